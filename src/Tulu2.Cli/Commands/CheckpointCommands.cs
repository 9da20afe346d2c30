using System.CommandLine;
using Spectre.Console;
using Tulu2.Checkpoints;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>checkpoint list RUN</c> and <c>checkpoint verify RUN</c>.</summary>
internal sealed class CheckpointCommands(Terminal terminal)
{
    private readonly Argument<string> _run = CommandBuilder.Argument("RUN", "Run directory, or a checkpoints directory");

    public Command Create() => CommandBuilder.Group("checkpoint", "List a run's checkpoints, or verify them",
        CommandBuilder.Command("list", "List steps, sizes and files", [_run], List),
        CommandBuilder.Command("verify", "Verify the hash of every shard; exits with 1 if one is wrong", [_run],
            (parsed, cancellation) => ProgressDisplay.RunAsync(terminal, "verify", report => Verify(parsed, report), cancellation)));

    private int List(ParseResult parsed)
    {
        var store = Open(parsed.GetValue(_run)!);
        var rows = store.Manifests().Select(path => (Path: path, Manifest: Read(store, path))).Where(row => row.Manifest is not null)
            .Select(row => (row.Path, Manifest: row.Manifest!)).ToList();
        var table = new Table().AddColumns("step", "shards", "bytes", "virtual shards");
        foreach (var (_, manifest) in rows)
            table.AddRow($"{manifest.Step}", $"{manifest.Shards.Count}", $"{manifest.Shards.Sum(shard => shard.Bytes):N0}", $"{manifest.VirtualShards}");
        terminal.Human.Write(table);
        foreach (var (path, manifest) in rows) terminal.WriteHuman($"step {manifest.Step}: {path}");
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(rows.Select(row => new
            {
                row.Manifest.Step,
                Shards = row.Manifest.Shards.Count,
                Bytes = row.Manifest.Shards.Sum(shard => shard.Bytes),
                Manifest = row.Path,
            })));
        return ExitCode.Done;
    }

    // One that is damaged does not hide the others.
    private Manifest? Read(CheckpointStore store, string path)
    {
        try
        {
            return store.Read(path);
        }
        catch (BadInputException broken)
        {
            terminal.Say(broken.Message);
            return null;
        }
    }

    private int Verify(ParseResult parsed, Action<ProgressSnapshot> report)
    {
        var store = Open(parsed.GetValue(_run)!);
        var manifests = store.Manifests();
        var faults = new List<string>();
        for (var i = 0; i < manifests.Count; i++)
        {
            report(new ProgressSnapshot(i, manifests.Count));
            try
            {
                faults.AddRange(store.Verify(store.Read(manifests[i])).Select(fault => $"{manifests[i]}: {fault}"));
            }
            catch (BadInputException broken)
            {
                // A broken manifest is a finding here, not an end: the others are still to be looked at.
                faults.Add(broken.Message);
            }
        }
        report(new ProgressSnapshot(manifests.Count, manifests.Count));
        foreach (var fault in faults) terminal.Say(fault);
        // No damage: nothing that exists lacks them.
        var orphans = store.Orphans();
        foreach (var (path, bytes) in orphans)
            terminal.Say($"{path}: no checkpoint names this shard of {NumberText.Count(bytes, "byte")}: one that was given up has left it, or one is being written; the run's next start or end removes what is left");
        terminal.WriteHuman($"{NumberText.Count(manifests.Count, "checkpoint")}, {NumberText.Count(faults.Count, "fault")}{(orphans.Count > 0 ? $", {NumberText.Count(orphans.Count, "shard")} of none" : "")}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Checkpoints = manifests.Count, Faults = faults, Orphans = orphans.Select(orphan => orphan.Path) }));
        return faults.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static CheckpointStore Open(string path)
    {
        var inRun = new RunDirectory(path).Checkpoints;
        var directory = Directory.Exists(inRun) ? inRun : Path.GetFullPath(path);
        var store = new CheckpointStore(directory);
        if (!Directory.Exists(directory) || store.Manifests().Count == 0)
            throw new BadInputException(path, "contains no checkpoint", "name the directory of a run that has written one");
        return store;
    }
}
