using System.Text.Json;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Requests;

/// <summary>A prompt of a request for completions.</summary>
/// <param name="Ids">The beginning token and the text's; token ids of the request as they are.</param>
/// <param name="Text">For <c>echo</c>.</param>
internal sealed record CompletionPrompt(int[] Ids, string Text);

/// <summary><c>prompt</c>: a string, token ids, or a list of either.</summary>
internal static class PromptFields
{
    private const string Name = "prompt", Expected = "a string, an array of token ids, or an array of either";

    public static List<CompletionPrompt> Read(JsonFields fields, ServedModel model, int most)
    {
        var value = fields.Element(Name) ?? throw JsonFields.Missing(Name);
        if (value.ValueKind == JsonValueKind.String) return [OfText(value, Name, model)];
        if (value.ValueKind != JsonValueKind.Array) throw JsonFields.WrongType(Name, Expected, value);
        if (value.GetArrayLength() == 0) throw ApiException.Invalid($"Invalid '{Name}': the array is empty.", Name);
        var kind = value[0].ValueKind;
        if (kind == JsonValueKind.Number) return [OfIds(value, Name, model)];
        if (kind is not (JsonValueKind.String or JsonValueKind.Array)) throw JsonFields.WrongType($"{Name}[0]", Expected, value[0]);
        if (value.GetArrayLength() > most)
            throw ApiException.Invalid($"Invalid '{Name}': {value.GetArrayLength()} prompts are more than the {most} that this server takes at a time.", Name);
        Func<JsonElement, string, ServedModel, CompletionPrompt> read = kind == JsonValueKind.String ? OfText : OfIds;
        return [.. value.EnumerateArray().Select((prompt, index) => read(prompt, $"{Name}[{index}]", model))];
    }

    private static CompletionPrompt OfText(JsonElement value, string path, ServedModel model)
    {
        var text = JsonFields.TextOf(value, path);
        return new CompletionPrompt(Fitting([model.Tokenizer.BeginningId, .. model.Tokenizer.EncodeText(text, boundary: true)], path, model), text);
    }

    private static CompletionPrompt OfIds(JsonElement value, string path, ServedModel model)
    {
        if (value.ValueKind != JsonValueKind.Array) throw JsonFields.WrongType(path, "an array of token ids", value);
        var ids = new int[value.GetArrayLength()];
        if (ids.Length == 0) throw ApiException.Invalid($"Invalid '{path}': the array is empty.", path);
        var index = 0;
        foreach (var id in value.EnumerateArray())
        {
            if (id.ValueKind != JsonValueKind.Number) throw JsonFields.WrongType($"{path}[{index}]", "a token id", id);
            if (!id.TryGetInt32(out ids[index]) || ids[index] < 0 || ids[index] >= model.Engine.VocabularySize)
                throw ApiException.Invalid($"Invalid '{path}[{index}]': {id.GetRawText()} is not a token id from 0 to {model.Engine.VocabularySize - 1}.",
                    $"{path}[{index}]");
            index++;
        }
        return new CompletionPrompt(Fitting(ids, path, model), model.Tokenizer.Decode(ids, stripBoundary: true));
    }

    /// <exception cref="ApiException">A prompt does not fit into the context.</exception>
    public static int[] Fitting(int[] ids, string path, ServedModel model) =>
        ids.Length <= model.Engine.ContextLength ? ids : throw TooLong(ids.Length, path, model);

    public static ApiException TooLong(int tokens, string path, ServedModel model) => ApiException.Invalid(
        $"This model's maximum context length is {model.Engine.ContextLength} tokens, answer included, but '{path}' has {tokens}. Shorten it.",
        path, "context_length_exceeded");
}
