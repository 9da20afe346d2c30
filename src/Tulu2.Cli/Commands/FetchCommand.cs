using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Files;
using Tulu2.Hub.Fetching;
using Tulu2.Hub.References;
using Tulu2.Hub.Selection;
using Tulu2.Hub.Settings;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>model fetch REPO[@REVISION]</c> and <c>data fetch REPO[@REVISION]</c>: from a hub into the ecosystem's cache.</summary>
internal sealed class FetchCommand(Terminal terminal, RepositoryKind kind)
{
    private readonly Argument<string> _repository = CommandBuilder.Argument("REPO", "ORG/NAME, or ORG/NAME@REVISION for a branch, a tag or a commit");
    private readonly Option<string[]> _include = CommandBuilder.Repeated("--include",
        "Pattern of files to fetch in place of the usual ones; * stands for anything; may be repeated");
    private readonly Option<string[]> _exclude = CommandBuilder.Repeated("--exclude", "Pattern of files to leave out; may be repeated");
    private readonly Option<bool> _verify = CommandBuilder.Flag("--verify", "Also check the content of files that are there, and fetch damaged ones again");
    private readonly Option<int> _connections = CommandBuilder.Option("--connections", "Connections at a time", new FetchOptions().Connections);

    private bool IsModel => kind == RepositoryKind.Model;

    public Command Create() => CommandBuilder.Command("fetch",
        IsModel ? "Fetch a model from a hub: config, tokenizer and weights" : "Fetch a data set from a hub: its files of rows",
        [_repository, _include, _exclude, _verify, _connections], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var reference = HubReference.ParseName(parsed.GetValue(_repository)!, kind);
        if (IsModel && reference.Path != "") throw new BadInputException($"{reference}", "is a file in a repository",
            $"use `{reference.Command} --include {reference.Path}`");
        var name = reference.RepositoryText;
        var request = new FetchRequest(reference, names => Choice.Of(name, names, parsed.GetValue(_include) ?? [], parsed.GetValue(_exclude) ?? [],
            all => IsModel ? ModelFiles.Whole(name, all) : RowFiles.At(reference, all)))
        {
            Verify = parsed.GetValue(_verify),
        };
        var options = new FetchOptions { Connections = CommandBuilder.AtLeastOne(parsed, _connections) };
        using var fetcher = new HubFetcher(HubSettings.OfProcess(), options, terminal.Say);
        var result = await ProgressDisplay.RunAsync(terminal, name, report => fetcher.FetchAsync(request, HubProgress.Of(name, report), cancellation));
        Print(reference, result);
        return ExitCode.Done;
    }

    private void Print(HubReference reference, FetchResult result)
    {
        foreach (var file in result.Files) terminal.WriteHuman(result.PathOf(file));
        var (files, bytes) = (NumberText.Count(result.Files.Count, "file"), NumberText.Count(result.Bytes, "byte"));
        terminal.WriteHuman($"{files}, {bytes}, of which {NumberText.Count(result.FetchedBytes)} came now; commit {result.Commit}");
        terminal.WriteHuman($"in a recipe: {(IsModel ? "model.path" : "data.train")}: {(IsModel ? $"{reference}" : $"[{reference}]")}");
        if (terminal.Json)
            terminal.Output.WriteLine(JsonLine.Of(new
            {
                reference.Repository,
                Revision = reference.RevisionOrDefault,
                result.Commit,
                result.Directory,
                result.Files,
                result.Bytes,
                result.FetchedBytes,
            }));
    }
}
