using System.Text.Json;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Endpoint;

/// <summary>
/// Verdicts by the content of their requests: a file for each, named by the SHA-256 of endpoint, model, prompt and parameters, whole or absent. Several processes
/// may use a directory at the same time.
/// </summary>
internal sealed class VerdictCache(string? directory)
{
    /// <summary>A kept verdict with its request, for people and for `replay:`.</summary>
    public sealed record Entry(string Key, string Endpoint, JsonElement Request, string Model, string Text, long PromptTokens, long CompletionTokens);

    public static string Key(Uri endpoint, string model, ModelRequest.Judge request) =>
        ContentHash.OfParts("verdict 1", endpoint.AbsoluteUri.TrimEnd('/'), System.Text.Encoding.UTF8.GetString(EndpointClient.Body(model, request)));

    /// <returns>Null: it has none, or its file is damaged.</returns>
    public Entry? Find(string key)
    {
        if (directory is null) return null;
        try
        {
            var entry = JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(PathOf(key)), JsonLine.Options);
            return entry is { Text: not null, Model: not null } && entry.Key == key ? entry : null;
        }
        catch (Exception fault) when (fault is JsonException or FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unusable(fault);
        }
    }

    public void Keep(Entry entry)
    {
        if (directory is null) return;
        try
        {
            AtomicFile.WriteAllBytes(PathOf(entry.Key), JsonSerializer.SerializeToUtf8Bytes(entry, JsonLine.Options));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Unusable(fault);
        }
    }

    private string PathOf(string key) => Path.Combine(directory!, key[..2], key + ".json");

    private BadInputException Unusable(Exception fault) => new(directory!, $"cannot keep verdicts: {FaultText.Of(fault)}", "give a directory that can be written", fault);
}
