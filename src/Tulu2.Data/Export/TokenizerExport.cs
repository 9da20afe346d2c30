using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Loading;
using Tulu2.Files;

namespace Tulu2.Data.Export;

/// <summary>A tokenizer file for an exported model.</summary>
public sealed record TokenizerFile(string Name, byte[] Content);

/// <summary>
/// A tokenizer's files, rewritten so that other programs get from a dialogue's text the ids that the model was trained on: the word boundary of the chat form,
/// TÜLU's chat template, and the special tokens that training used.
/// </summary>
public static class TokenizerExport
{
    // A separate template file would take precedence over the one in tokenizer_config.json.
    private static readonly string[] Rewritten =
        [TokenizerLoader.JsonName, SpecialTokenFiles.ConfigName, SpecialTokenFiles.MapName, TokenizerLoader.TemplateName];

    /// <param name="form">How the model's dialogues were tokenised.</param>
    /// <param name="positions">The exported model's longest sequence; model_max_length is raised to it.</param>
    public static IReadOnlyList<TokenizerFile> Files(SentencePieceBpeTokenizer tokenizer, ChatForm form, int positions)
    {
        var files = tokenizer.SourceFiles.Where(path => !Rewritten.Contains(Path.GetFileName(path)))
            .Select(path => new TokenizerFile(Path.GetFileName(path), File.ReadAllBytes(path))).ToList();
        if (files.Count == 0 && Source(TokenizerLoader.JsonName) is null) return [];
        if (Source(TokenizerLoader.JsonName) is { } json && Converted(json) is { } content) files.Insert(0, new(TokenizerLoader.JsonName, content));
        files.Add(new(SpecialTokenFiles.ConfigName, TokenizerConfigForm.Configuration(Source(SpecialTokenFiles.ConfigName), tokenizer, form, positions)));
        files.Add(new(SpecialTokenFiles.MapName, TokenizerConfigForm.SpecialTokens(Source(SpecialTokenFiles.MapName), tokenizer)));
        return files;

        byte[]? Source(string name) =>
            tokenizer.SourceFiles.FirstOrDefault(path => Path.GetFileName(path) == name) is { } path ? File.ReadAllBytes(path) : null;

        byte[]? Converted(byte[] bytes)
        {
            try
            {
                return TokenizerJsonForm.Of(bytes, form);
            }
            catch (BadInputException)
            {
                // The ids came from tokenizer.model, and the tokenizer.json beside it is of a kind that gives other ids: it is left out.
                return null;
            }
        }
    }
}
