using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Messages;
using Tulu2.Files;

namespace Tulu2.Cli.Tables;

/// <summary>The tables of <c>status</c>.</summary>
internal static class ClusterTable
{
    public static void Print(Terminal terminal, ClusterView cluster)
    {
        if (terminal.Json)
        {
            terminal.Output.WriteLine(JsonLine.Of(cluster));
            return;
        }
        var nodes = new Table().AddColumns("node", "roles", "state");
        foreach (var node in cluster.Nodes)
            nodes.AddRow(Markup.Escape(node.Address), Markup.Escape(string.Join(", ", node.Roles)), StateOf(node, cluster.Coordinator));
        terminal.Human.Write(nodes);
        if (cluster.Coordinator is null) terminal.WriteHuman("no coordinator answers");
        else if (cluster.Current is null) terminal.WriteHuman("no current run");
        // Not in a table, which would wrap them: paths are there to be copied.
        foreach (var line in Lines(cluster.Current).Concat(Lines(cluster.Last))) terminal.WriteHuman(line);
    }

    /// <summary>A run in a few lines: <c>run</c>, <c>state</c>, <c>step</c>, <c>generation</c>.</summary>
    public static IEnumerable<string> Lines(RunView? run)
    {
        if (run is null) yield break;
        yield return $"{(run.ExitCode is null ? "run" : "last run"),-11} {run.Directory} ({run.Title})";
        yield return $"state       {run.State}{(run.Missing > 0 ? $" for nodes with {NumberText.Count(run.Missing, "more place")} for ranks" : "")}{(run.ExitCode is { } code ? $" (exit code {code})" : "")}";
        if (run.Steps == 0) yield break;
        yield return $"step        {run.Step} of {run.Steps}";
        if (run.Goodput is { } goodput) yield return $"goodput     {NumberText.Percent(goodput)}";
        yield return $"generation  {run.Generation}, {run.Ranks} {(run.Ranks == 1 ? "rank" : "ranks")}";
    }

    private static string StateOf(NodeView node, string? coordinator) =>
        $"{node.Status}{(node.Reachable ? "" : ", cannot be reached")}{(node.Address == coordinator ? ", has the coordinator" : "")}";
}
