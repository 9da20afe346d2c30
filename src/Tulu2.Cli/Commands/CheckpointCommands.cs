using System.CommandLine;
using Spectre.Console;
using Tulu2.Checkpoints;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Cli.Commands;

/// <summary><c>checkpoint list RUN</c> and <c>checkpoint verify RUN</c>. Both know the run's mirror.</summary>
internal sealed class CheckpointCommands(Terminal terminal)
{
    private readonly Argument<string> _run = CommandBuilder.Argument("RUN", "Run directory, or a checkpoints directory");
    private readonly Option<string?> _mirror = new("--mirror") { Description = "The second place of the checkpoints, where it is not the one that the run's recipe names (checkpoint.mirror)", HelpName = "DIR" };
    private readonly Option<bool> _heal = new("--heal") { Description = "Take from the mirror what is missing or damaged" };

    public Command Create() => CommandBuilder.Group("checkpoint", "List a run's checkpoints, or verify them",
        CommandBuilder.Command("list", "List steps, sizes and files", [_run, _mirror], List),
        CommandBuilder.Command("verify", "Verify the hash of every shard; exits with 1 if one is wrong", [_run, _mirror, _heal],
            (parsed, cancellation) => ProgressDisplay.RunAsync(terminal, "verify", report => Verify(parsed, report), cancellation)));

    private int List(ParseResult parsed)
    {
        var store = Open(parsed);
        var mirrored = store.Mirror?.Manifests().Select(Path.GetFileName).ToHashSet() ?? [];
        var rows = store.Manifests().Select(path => (Path: path, Manifest: Read(store, path))).Where(row => row.Manifest is not null)
            .Select(row => (row.Path, Manifest: row.Manifest!)).ToList();
        var table = new Table().AddColumns("step", "shards", "bytes", "virtual shards");
        foreach (var (_, manifest) in rows)
            table.AddRow($"{manifest.Step}", $"{manifest.Shards.Count}", $"{manifest.Shards.Sum(shard => shard.Bytes):N0}", $"{manifest.VirtualShards}");
        terminal.Human.Write(table);
        foreach (var (path, manifest) in rows) terminal.WriteHuman($"step {manifest.Step}: {path}{(mirrored.Contains(Path.GetFileName(path)) ? $", copied to {store.Mirror!.Directory}" : "")}");
        foreach (var only in mirrored.Where(name => !File.Exists(Path.Combine(store.Directory, "manifests", name!))).Order(StringComparer.Ordinal))
            terminal.WriteHuman($"{only}: in {store.Mirror!.Directory} only");
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(rows.Select(row => new
            {
                row.Manifest.Step,
                Shards = row.Manifest.Shards.Count,
                Bytes = row.Manifest.Shards.Sum(shard => shard.Bytes),
                Manifest = row.Path,
                Mirrored = mirrored.Contains(Path.GetFileName(row.Path)),
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
        var (store, heals) = (Open(parsed), parsed.GetValue(_heal));
        if (heals && store.Mirror is null)
            throw new BadInputException("--heal", "the run has no mirror to heal from", "name it: --mirror DIR, the recipe's checkpoint.mirror");
        var manifests = Names(store).Select(name => Path.Combine(store.Directory, "manifests", name)).ToList();
        var (faults, healed) = (new List<string>(), new List<string>());
        for (var i = 0; i < manifests.Count; i++)
        {
            report(new ProgressSnapshot(i, manifests.Count));
            try
            {
                VerifyOne(store, manifests[i], heals, faults, healed);
            }
            catch (BadInputException broken)
            {
                // A broken manifest is a finding here, not an end: the others are still to be looked at.
                faults.Add(broken.Message);
            }
        }
        report(new ProgressSnapshot(manifests.Count, manifests.Count));
        foreach (var line in healed) terminal.Say(line);
        foreach (var fault in faults) terminal.Say(fault);
        // No damage: nothing that exists lacks them.
        var orphans = store.Orphans();
        foreach (var (path, bytes) in orphans)
            terminal.Say($"{path}: no checkpoint names this shard of {NumberText.Count(bytes, "byte")}: one that was given up has left it, or one is being written; the run's next start or end removes what is left");
        terminal.WriteHuman($"{NumberText.Count(manifests.Count, "checkpoint")}, {NumberText.Count(faults.Count, "fault")}{(healed.Count > 0 ? $", {healed.Count} healed" : "")}{(orphans.Count > 0 ? $", {NumberText.Count(orphans.Count, "shard")} of none" : "")}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Checkpoints = manifests.Count, Faults = faults, Healed = healed, Orphans = orphans.Select(orphan => orphan.Path) }));
        return faults.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    // Those of the mirror are to be there only where it is to heal: older ones may have been pruned here and not yet there.
    private static IEnumerable<string> Names(CheckpointStore store)
    {
        var own = store.Manifests();
        return (own.Count > 0 ? own : store.Mirror?.Manifests() ?? []).Select(path => Path.GetFileName(path));
    }

    // Where the run's own manifest is damaged or gone, the mirror's says which shards there should be.
    private static void VerifyOne(CheckpointStore store, string path, bool heals, List<string> faults, List<string> healed)
    {
        var mirror = store.Mirror;
        Manifest manifest;
        BadInputException? broken = null;
        try
        {
            manifest = store.Read(path);
        }
        catch (BadInputException bad) when (mirror?.ManifestOf(StepOf(path)) is { } copy)
        {
            (manifest, broken) = (mirror.Read(copy), bad);
        }
        var isWhole = true;
        foreach (var (shard, fault, canHeal) in store.Diagnose(manifest))
            if (canHeal && heals && store.TryHeal(shard, faults.Add)) healed.Add($"{path}: {fault}; healed from {mirror!.Directory}");
            else
            {
                isWhole = false;
                faults.Add($"{path}: {fault}{(canHeal ? $"; {mirror!.Directory} has it: --heal" : "")}");
            }
        if (broken is null) return;
        if (!heals || !isWhole)
        {
            faults.Add($"{path}: {broken.What}; {mirror!.Directory} has it: --heal");
            return;
        }
        store.WriteManifest(manifest);
        healed.Add($"{path}: {broken.What}; healed from {mirror!.Directory}");
    }

    private static int StepOf(string path) =>
        int.TryParse(Path.GetFileNameWithoutExtension(path)["step-".Length..], System.Globalization.CultureInfo.InvariantCulture, out var step) ? step : -1;

    private CheckpointStore Open(ParseResult parsed)
    {
        var path = parsed.GetValue(_run)!;
        var run = new RunDirectory(path);
        var directory = Directory.Exists(run.Checkpoints) || RunRecipe.OfFile(run) is not null ? run.Checkpoints : Path.GetFullPath(path);
        var mirror = parsed.GetValue(_mirror) ?? RunRecipe.OfFile(run)?.Recipe.Checkpoint.Mirror;
        var store = new CheckpointStore(directory) { Mirror = mirror is null ? null : new CheckpointStore(mirror) };
        if (store.Manifests().Count == 0 && store.Mirror?.Manifests() is not { Count: > 0 })
            throw new BadInputException(path, "contains no checkpoint", "name the directory of a run that has written one");
        return store;
    }
}
