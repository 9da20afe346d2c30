using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Files.Certificates;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>cluster certificates --to DIR --node NAME…</c>: what mutual TLS between the nodes of a cluster needs (docs/security.md).</summary>
internal sealed class ClusterCommands(Terminal terminal)
{
    // Two years and a quarter.
    private const int Days = 825;

    private readonly Option<string> _to = CommandBuilder.Required<string>("--to", "Folder of the cluster's certificates; it is begun with a new authority where there is none");
    private readonly Option<string[]> _nodes = Several("--node", "Names of nodes, and of machines from which runs are submitted, to make certificates for; one that has a certificate keeps it");
    private readonly Option<bool> _renew = CommandBuilder.Flag("--renew", "Make new ones for nodes that have some, too; the old ones stay valid until their last day");
    private readonly Option<string[]> _remove = Several("--remove", "Names of nodes to take off the list of those that are admitted");
    private readonly Option<int> _days = CommandBuilder.Option("--days", "How many days new certificates are valid", Days);

    public Command Create() => CommandBuilder.Group("cluster", "What a cluster over machines needs",
        CommandBuilder.Command("certificates", "Make, renew and remove the certificates by which the nodes of a cluster know each other", [_to, _nodes, _renew, _remove, _days], Certificates));

    private int Certificates(ParseResult parsed)
    {
        string[] nodes = parsed.GetValue(_nodes) ?? [], removed = parsed.GetValue(_remove) ?? [];
        var days = CommandBuilder.AtLeastOne(parsed, _days);
        if (nodes.Length == 0 && removed.Length == 0)
            throw new BadInputException(_nodes.Name, "names nobody", "give the names of the nodes, such as --node coordinator1 trainer1; or --remove NAME");
        if (nodes.Intersect(removed).FirstOrDefault() is { } both) throw new BadInputException($"{_remove.Name} {both}", $"is also given to {_nodes.Name}", "give it to one of the two");
        // Before anything is made.
        foreach (var name in nodes.Concat(removed)) CertificateFolder.Check(name);
        try
        {
            return Write(CertificateFolder.Open(parsed.GetValue(_to)!), nodes, removed, days, parsed.GetValue(_renew));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"{_to.Name} {parsed.GetValue(_to)}", $"cannot be written: {FaultText.Of(failure)}", "name a folder that this user may write to", failure);
        }
    }

    private int Write(CertificateFolder folder, string[] nodes, string[] removed, int days, bool renew)
    {
        foreach (var name in removed) terminal.WriteHuman($"{name}: {NumberText.Count(folder.Remove(name), "certificate")} off the list of those that are admitted");
        var made = nodes.Distinct().Select(name => folder.Add(name, days, renew)).ToList();
        if (made.Count > 0)
        {
            var table = new Table().AddColumns("node", "", "valid until", "folder");
            foreach (var node in made) table.AddRow(node.Name, node.Act.ToString().ToLowerInvariant(), $"{node.Until:yyyy-MM-dd}", node.Folder);
            terminal.Human.Write(table);
            terminal.WriteHuman("copy each node's folder to that machine as /etc/tulu2/node (cluster-config/tls.conf names it), and keep authority.key away from all of them: who has it can join");
        }
        terminal.WriteHuman($"every node and client needs {folder.Shared} as /etc/tulu2/shared, the same everywhere; its file `admitted` is read anew at each connection");
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(new { folder.Shared, Nodes = made.Select(node => new { node.Name, Act = node.Act.ToString().ToLowerInvariant(), node.Until, node.Folder }), Removed = removed }));
        return ExitCode.Done;
    }

    private static Option<string[]> Several(string name, string description)
    {
        var option = CommandBuilder.Repeated(name, description);
        option.AllowMultipleArgumentsPerToken = true;
        return option;
    }
}
