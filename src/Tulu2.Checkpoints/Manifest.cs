using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Checkpoints;

/// <summary>The manifest of a checkpoint. A checkpoint exists once its manifest does: written last, atomically.</summary>
/// <param name="Step">Steps applied.</param>
/// <param name="VirtualShards">V, which the bits depend on.</param>
/// <param name="RecipeHash">Hash of the recipe keys that decide the bits; a resume under another one is refused.</param>
/// <param name="Facts">Facts for people: libtorch build, CPU type, time.</param>
/// <param name="Recipe">The run's recipe.yaml as it was then, in case that file is lost; null in manifests of older versions.</param>
public sealed record Manifest(
    int Step, int VirtualShards, string RecipeHash, IReadOnlyList<ShardEntry> Shards, IReadOnlyDictionary<string, string> Facts, string? Recipe = null);

/// <summary>A manifest as a file: <c>{"format": 1, "sha256": hash of the manifest's own text, "manifest": {...}}</c>.</summary>
internal static class ManifestFile
{
    private const int Format = 1;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static string Write(Manifest manifest)
    {
        var text = JsonSerializer.Serialize(manifest, Json);
        return $$"""
            {
              "format": {{Format}},
              "sha256": "{{ContentHash.Of(System.Text.Encoding.UTF8.GetBytes(text))}}",
              "manifest": {{text}}
            }

            """;
    }

    public static Manifest Read(string path)
    {
        const string fix = "resume from another manifest of this run, or verify with 'tulu2 checkpoint verify'";
        if (!File.Exists(path)) throw new BadInputException(path, "no such manifest", "list what is there with 'tulu2 checkpoint list'");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var format = document.RootElement.GetProperty("format").GetInt32();
            if (format != Format) throw new BadInputException(path, $"manifest of format {format}, this build reads {Format}", "use the version that wrote it");
            var body = document.RootElement.GetProperty("manifest");
            if (ContentHash.Of(System.Text.Encoding.UTF8.GetBytes(body.GetRawText())) != document.RootElement.GetProperty("sha256").GetString())
                throw new BadInputException(path, "the manifest's checksum is wrong", fix);
            return body.Deserialize<Manifest>(Json) ?? throw new JsonException("empty");
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BadInputException(path, "was deleted while it was read, since newer checkpoints have taken its place", "read the newest one, or raise checkpoint.keep", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, $"cannot be read: {FaultText.Of(fault)}", fix, fault);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new BadInputException(path, $"not a manifest: {FaultText.Of(fault)}", fix, fault);
        }
    }
}
