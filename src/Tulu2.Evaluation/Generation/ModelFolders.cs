using Tulu2.Files;
using Tulu2.Models.HuggingFace;

namespace Tulu2.Evaluation.Generation;

/// <summary>The folders that make up a model: a Hugging Face directory, and perhaps a PEFT folder with adapters beside it.</summary>
public sealed record ModelFolders(string Model, string? Adapter)
{
    private const string Joint = " + ";

    /// <summary>Both in one text, which <see cref="Parse"/> reads.</summary>
    public string Text => Adapter is null ? Model : $"{Model}{Joint}{Adapter}";

    /// <param name="text">A Hugging Face directory, a PEFT folder that names the model beside it, or both folders (<see cref="Text"/>).</param>
    /// <exception cref="BadInputException">A PEFT folder names no directory that is here.</exception>
    public static ModelFolders Parse(string text)
    {
        if (!Directory.Exists(text) && text.LastIndexOf(Joint, StringComparison.Ordinal) is >= 0 and var at) return new(text[..at], text[(at + Joint.Length)..]);
        if (!AdapterFolder.Is(text)) return new(text, null);
        if (ForeignPath.AdapterBase(text) is { } model && Directory.Exists(model)) return new(Path.GetFullPath(model), text);
        var (what, fix) = ForeignPath.AsModel(text)!.Value;
        throw new BadInputException(text, what, fix);
    }

    /// <summary>
    /// What identifies the model in results: the name of each folder, and the first 12 digits of the SHA-256 of the weights. Reads all weights.
    /// </summary>
    public string Id
    {
        get
        {
            var weights = HuggingFaceModel.WeightFiles(Model).Select(ContentHash.OfFile);
            if (Adapter is null) return $"{NameOf(Model)}@{ContentHash.OfParts(weights)[..12]}";
            using var adapter = AdapterFolder.Open(Adapter);
            return $"{NameOf(Model)}{Joint}{NameOf(Adapter)}@{ContentHash.OfParts([.. weights, adapter.ContentKey])[..12]}";
        }
    }

    /// <summary>With the paths as other processes find them.</summary>
    public ModelFolders Full => new(Path.GetFullPath(Model), Adapter is null ? null : Path.GetFullPath(Adapter));

    /// <summary>
    /// Tells apart what may have been in these folders at different times or on different machines, from samples of the files: reading all of the weights would take as
    /// long as loading them.
    /// </summary>
    public string Content
    {
        get
        {
            string[] files =
            [
                Path.Combine(Model, "config.json"), .. HuggingFaceModel.WeightFiles(Model), .. Adapter is null ? [] : Directory.GetFiles(Adapter).Order(StringComparer.Ordinal).ToArray(),
            ];
            return ContentHash.OfParts(files.Select(file => $"{Path.GetFileName(file)} {ContentHash.OfSamples(file)}"));
        }
    }

    /// <summary>What a user should know: the adapters were trained beside another model.</summary>
    /// <param name="model">Directory of the model that they are used beside.</param>
    public static IEnumerable<string> Remarks(AdapterFolder adapter, string model)
    {
        if (adapter.Base is { } trained && !IsSame(trained, model)) yield return $"{adapter.Directory}: the adapters were trained beside {trained}, and are used beside {model}";
        if (adapter.QuantizedBase is not null && !HuggingFaceModel.IsQuantized(model))
            yield return $"{adapter.Directory}: the adapters were trained beside the model in 4 bits, and are used beside its weights in full precision; `tulu2 quantize` makes the former";
    }

    // By path, or as the name under which a hub's model lies in the cache.
    private static bool IsSame(string trained, string model) =>
        Path.TrimEndingDirectorySeparator(Path.GetFullPath(trained)) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(model))
        || model.Contains($"models--{trained.Replace("/", "--", StringComparison.Ordinal)}{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    private static string NameOf(string directory) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
}
