using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;
using Tulu2.Hub.Fetching;
using Tulu2.Hub.References;
using Tulu2.Hub.Selection;
using Tulu2.Hub.Settings;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary>The value of <c>--model</c>: a directory, or a name on a hub; and that of <c>--adapter</c>.</summary>
internal static class ModelArgument
{
    public const string Description = "Hugging Face directory, or hf://ORG/NAME";

    /// <summary>The option of commands that use a model as it is.</summary>
    public static Option<string?> Adapter() => CommandBuilder.Optional<string>("--adapter", "PEFT folder with adapters of the model");

    /// <summary>The model that is meant, with its adapters if there are any (<see cref="ModelFolders"/>).</summary>
    /// <exception cref="BadInputException">As for <see cref="DirectoryAsync"/>.</exception>
    public static async Task<string> NameAsync(Terminal terminal, string model, string? adapter, CancellationToken cancellation) =>
        await DirectoryAsync(terminal, model, cancellation) is var directory && adapter is null ? directory : new ModelFolders(directory, adapter).Text;

    /// <summary>The directory that is meant; a model on a hub is fetched where it is not in the cache.</summary>
    /// <exception cref="BadInputException">What the user can mend, as for <see cref="HubFetcher.FetchAsync"/>.</exception>
    public static async Task<string> DirectoryAsync(Terminal terminal, string text, CancellationToken cancellation)
    {
        if (!HubUri.Is(text)) return text;
        var reference = HubReference.ParseName(text, RepositoryKind.Model);
        if (reference.Path != "") throw new BadInputException(text, $"names {reference.Path} in a repository, and a model is a whole one",
            $"write {reference.RepositoryText}");
        var name = reference.RepositoryText;
        using var fetcher = new HubFetcher(HubSettings.OfProcess(), new FetchOptions(), terminal.Say);
        var request = new FetchRequest(reference, names => ModelFiles.Whole(name, names));
        return (await ProgressDisplay.RunAsync(terminal, name, report => fetcher.FetchAsync(request, HubProgress.Of(name, report), cancellation))).Directory;
    }
}
