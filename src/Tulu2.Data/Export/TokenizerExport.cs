using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Loading;
using Tulu2.Files;

namespace Tulu2.Data.Export;

/// <summary>A file to lie beside an exported model's weights.</summary>
public sealed record TokenizerFile(string Name, byte[] Content);

/// <summary>
/// A tokenizer's files as other programs need them to get, out of a dialogue's text, the ids that the model was trained on: the word boundary of the chat
/// form, TÜLU's chat template in place of any other, and the names of the special tokens that training used.
/// </summary>
public static class TokenizerExport
{
    // A template in a file of its own would come before the one in tokenizer_config.json.
    private static readonly string[] Rewritten = [TokenizerLoader.JsonName, SpecialTokenFiles.ConfigName, SpecialTokenFiles.MapName, TokenizerLoader.TemplateName];

    /// <param name="form">How the model's dialogues were tokenised.</param>
    /// <param name="positions">The longest sequence of the exported model, which the tokenizer must not say is too long.</param>
    public static IReadOnlyList<TokenizerFile> Files(SentencePieceBpeTokenizer tokenizer, ChatForm form, int positions)
    {
        var files = tokenizer.SourceFiles.Where(path => !Rewritten.Contains(Path.GetFileName(path)))
            .Select(path => new TokenizerFile(Path.GetFileName(path), File.ReadAllBytes(path))).ToList();
        if (files.Count == 0 && Source(TokenizerLoader.JsonName) is null) return [];
        if (Source(TokenizerLoader.JsonName) is { } json && Converted(json) is { } content) files.Insert(0, new(TokenizerLoader.JsonName, content));
        files.Add(new(SpecialTokenFiles.ConfigName, TokenizerConfigForm.Configuration(Source(SpecialTokenFiles.ConfigName), tokenizer, form, positions)));
        files.Add(new(SpecialTokenFiles.MapName, TokenizerConfigForm.SpecialTokens(Source(SpecialTokenFiles.MapName), tokenizer)));
        return files;

        byte[]? Source(string name) => tokenizer.SourceFiles.FirstOrDefault(path => Path.GetFileName(path) == name) is { } path ? File.ReadAllBytes(path) : null;

        byte[]? Converted(byte[] bytes)
        {
            try
            {
                return TokenizerJsonForm.Of(bytes, form);
            }
            catch (BadInputException)
            {
                // The ids came from a tokenizer.model, and this lay beside it: a kind that gives other ids, which must not go along.
                return null;
            }
        }
    }
}
