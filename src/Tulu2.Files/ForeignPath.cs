using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tulu2.Files;

/// <summary>Recognises what a path is that was given for a model's directory or a file of rows, but is neither.</summary>
public static partial class ForeignPath
{
    public const string AdapterConfig = "adapter_config.json";

    private const string Config = "config.json";

    private static readonly string[] Packed = ["", ".gz", ".zst"];

    // A .json beside the others is rather a description of them.
    private static readonly string[] RowSuffixes = [.. Suffixes(".jsonl"), .. Suffixes(".parquet")], LesserRowSuffixes = [.. Suffixes(".json")];

    // Of data sets: libraries write them beside the rows.
    private static readonly string[] Descriptions = ["dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json"];

    /// <summary>
    /// What is wrong with a path that should be a directory with a model or a tokenizer: it is missing, a name on the Hugging Face Hub, a run, an adapter, a
    /// folder of the hub's cache, the parent of the right directory. Null: it is a directory and not recognised as something else.
    /// </summary>
    public static (string What, string Fix)? AsModel(string path)
    {
        if (!Directory.Exists(path)) return Missing(path);
        bool Has(string name) => File.Exists(Path.Combine(path, name));
        bool Holds(string name) => Directory.Exists(Path.Combine(path, name));
        if (Has(Config)) return null;
        if (Has(AdapterConfig))
            return ($"is an adapter, not a model{(AdapterBase(path) is { } model ? $" (its base is {model})" : "")}", "give its base as the model and this folder as the adapter (`--adapter`, in a recipe `lora.adapter`), or make one model of both with `tulu2 merge`");
        if (Has("recipe.yaml") && (Holds("checkpoints") || Holds("ledger") || Holds("exports")))
            return ("is a run, not a model", HasModel(Path.Combine(path, "exports", "final"), out var export)
                ? $"give {export}" : $"write its model first, `tulu2 export {path} --to DIR`, and give DIR");
        if (Holds("snapshots") && (Holds("blobs") || Holds("refs")))
            return ("is a model's folder in the Hugging Face cache, not the model itself", OneInside(Path.Combine(path, "snapshots")) is { } snapshot
                ? $"give {snapshot}" : "give one of the directories in its snapshots");
        if (Has("params.json") && Directory.EnumerateFiles(path, "consolidated*.pth").Any())
            return ("is a model in Meta's own form",
                "convert it with transformers' convert_llama_weights_to_hf.py, or download the one in Hugging Face's form");
        if (Directory.EnumerateFiles(path, "*.gguf").FirstOrDefault() is { } gguf)
            return ($"holds {Path.GetFileName(gguf)}, a model for llama.cpp", "give the Hugging Face checkpoint that it was made from");
        if (!Directory.EnumerateFileSystemEntries(path).Any()) return ("is empty", "download the model into it, or give another directory");
        return OneInside(path) is { } inner ? ($"holds no {Config}", $"its directory {Path.GetFileName(inner)} holds one: give {inner}") : null;
    }

    /// <summary>
    /// What is wrong with a path that should be a file of rows: it is a directory, missing, a dangling link, a name on the Hugging Face Hub. Null: there is a
    /// file.
    /// </summary>
    public static (string What, string Fix)? AsRows(string path)
    {
        if (Directory.Exists(path)) return ($"{path} is a directory, not a file", RowsIn(path));
        if (new FileInfo(path).LinkTarget is { } target && !File.Exists(new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName))
            return ($"{path} is a link to {target}, which is not there", "fetch the file again, or correct the link");
        if (File.Exists(path)) return null;
        return HubName(path) is { } name
            ? ($"there is no file {path}", $"check the path; where the data set {name} on a hub is meant, write hf://datasets/{name} in a recipe")
            : ($"there is no file {path}", "check the path; it is relative to the recipe, or to the current directory where it stands on the command line");
    }

    internal static string RowsIn(string directory)
    {
        var files = Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
        return NamedLikeRows([.. files]).FirstOrDefault() is { } rows
            ? $"name the files of rows in it, such as {rows}" : "name the files of rows; there are none in it";
    }

    /// <summary>Those of the files whose names say that they hold rows.</summary>
    /// <param name="files">Paths, or names on a hub.</param>
    public static IReadOnlyList<string> NamedLikeRows(IReadOnlyList<string> files)
    {
        IReadOnlyList<string> Ending(string[] suffixes) =>
            [.. files.Where(file => suffixes.Any(suffix => file.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)) && !Descriptions.Contains(Path.GetFileName(file)))];
        return Ending(RowSuffixes) is { Count: > 0 } rows ? rows : Ending(LesserRowSuffixes);
    }

    private static IEnumerable<string> Suffixes(string name) => Packed.Select(packing => name + packing);

    private static (string What, string Fix) Missing(string path)
    {
        if (File.Exists(path)) return ("is a file, not a directory", $"give the directory that holds {Config}, the weights and the tokenizer");
        if (HubUri.Is(path))
            return ("is a name on a hub, which is not taken here", "fetch it first, `tulu2 model fetch ORG/NAME`, and give the directory that it prints");
        return HubName(path) is { } name
            ? ("there is no such directory",
                $"give the path of a Hugging Face checkpoint directory; where the model {name} on a hub is meant, write hf://{name}")
            : ("there is no such directory", "give the path of a Hugging Face checkpoint directory");
    }

    // A recipe's paths come with its folder in front. A hub name differs from a mistyped path in that its owner is not a directory here.
    private static string? HubName(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var (name, owner) = (Path.GetFileName(full), Path.GetDirectoryName(full));
        if (owner is null || Directory.Exists(owner) || Path.GetDirectoryName(owner) is not { } above || !Directory.Exists(above)) return null;
        var both = $"{Path.GetFileName(owner)}/{name}";
        return Repository().IsMatch(both) ? both : null;
    }

    /// <summary>The model that a folder with adapters says they belong to, a path or a name; null: it says nothing that can be read.</summary>
    public static string? AdapterBase(string directory)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, AdapterConfig)));
            return json.RootElement.TryGetProperty("base_model_name_or_path", out var name) && name.GetString() is { Length: > 0 } given ? given : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool HasModel(string directory, out string found)
    {
        found = directory;
        return File.Exists(Path.Combine(directory, Config));
    }

    private static string? OneInside(string directory) =>
        Directory.EnumerateDirectories(directory).Where(inner => File.Exists(Path.Combine(inner, Config))).Take(2).ToArray() is [var only] ? only : null;

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")]
    private static partial Regex Repository();
}
