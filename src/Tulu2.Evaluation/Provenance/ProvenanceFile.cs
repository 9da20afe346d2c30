using System.Text;
using System.Text.Json;
using Tulu2.Evaluation.Generation;
using Tulu2.Files;

namespace Tulu2.Evaluation.Provenance;

/// <summary>
/// <c>tulu2_provenance.json</c> in the directory of a model or of adapters: <c>{"stages": [{"objective", "data": [{"name", "bytes", "sha256"}]}]}</c>. A
/// directory without it may
/// have a model card, whose list of data sets is read instead.
/// </summary>
public static class ProvenanceFile
{
    public const string Name = "tulu2_provenance.json";

    private const string Card = "README.md";

    private static readonly JsonSerializerOptions Options = new(JsonLine.Options) { WriteIndented = true };

    public static byte[] Content(ModelProvenance provenance) => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(provenance, Options) + "\n");

    /// <summary>Says in a directory what its model was trained on; writes nothing where nothing is known.</summary>
    public static void Write(string directory, ModelProvenance provenance)
    {
        if (provenance.Stages.Count > 0) AtomicFile.WriteAllBytes(Path.Combine(directory, Name), Content(provenance));
    }

    /// <summary>Of a model and the adapters beside it; unknown where no file says anything.</summary>
    /// <param name="model">As <see cref="ModelFolders.Parse"/> takes it.</param>
    /// <exception cref="BadInputException">The file is damaged.</exception>
    public static ModelProvenance Of(string model)
    {
        var folders = ModelFolders.Parse(model);
        return ModelProvenance.Joined(((string?[])[folders.Model, folders.Adapter]).OfType<string>().Select(Read));
    }

    /// <summary>Of one directory.</summary>
    /// <exception cref="BadInputException">The file is damaged.</exception>
    public static ModelProvenance Read(string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!File.Exists(path)) return OfCard(Path.Combine(directory, Card));
        try
        {
            return JsonSerializer.Deserialize<ModelProvenance>(File.ReadAllBytes(path), Options) is { Stages: { } stages } read
                && stages.All(stage => stage is { Objective: not null, Data: not null })
                ? read : throw new JsonException("a part is missing");
        }
        catch (JsonException fault)
        {
            throw new BadInputException(path, "does not say what the model was trained on", "copy the file again, or delete it to score the model all the same",
                fault);
        }
    }

    // The block of YAML at the front, in either way of writing a list: "datasets: [a, b]", or a line "- a" for each.
    private static ModelProvenance OfCard(string path)
    {
        if (!File.Exists(path)) return ModelProvenance.Unknown;
        var names = new List<string>();
        var inList = false;
        foreach (var line in File.ReadLines(path).Skip(1).TakeWhile(line => line.TrimEnd() != "---"))
        {
            if (line.StartsWith("datasets:", StringComparison.Ordinal))
            {
                names.AddRange(line["datasets:".Length..].Trim(' ', '[', ']').Split(',').Select(Unquoted).Where(name => name.Length > 0));
                inList = true;
            }
            else if (inList && line.TrimStart().StartsWith("- ", StringComparison.Ordinal)) names.Add(Unquoted(line.TrimStart()[2..]));
            else inList = false;
        }
        return names.Count == 0 || File.ReadLines(path).First().TrimEnd() != "---" ? ModelProvenance.Unknown
            : new ModelProvenance([new TrainingStage("", [.. names.Select(name => new TrainedData(name))])]);
    }

    private static string Unquoted(string name) => name.Trim().Trim('"', '\'');
}
