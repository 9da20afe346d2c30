using System.CommandLine;
using System.Text.Json;
using Tulu2.Cli.Shell;
using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>tokenizer encode</c> and <c>decode</c>: JSON strings on standard input to id arrays, one per line, and back.</summary>
internal sealed class TokenizerCommands(Terminal terminal)
{
    // Ids go to programs, which want no escapes in them but the ones JSON needs.
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Option<string> _tokenizer = CommandBuilder.Required<string>("--tokenizer",
        "Directory with tokenizer.model or tokenizer.json, or one such file");
    private readonly Option<SpecialTokenParsing> _special = CommandBuilder.Option("--special",
        "How special tokens written in the text are parsed: never (plain text), literal, or library (as Hugging Face's library does)", SpecialTokenParsing.Never);
    private readonly Option<bool> _beginning = CommandBuilder.Flag("--bos", "Add the beginning-of-sequence token");
    private readonly Option<bool> _keepSpecial = CommandBuilder.Flag("--keep-special", "Keep special tokens in the text");

    public Command Create() => CommandBuilder.Group("tokenizer", "Train a tokenizer, or convert text to ids and back",
        new TokenizerTrainCommand(terminal).Create(),
        CommandBuilder.Command("encode", "Convert JSON strings on standard input to id arrays, one per line", [_tokenizer, _special, _beginning], Encode),
        CommandBuilder.Command("decode", "Convert id arrays on standard input to JSON strings, one per line", [_tokenizer, _keepSpecial], Decode));

    private int Encode(ParseResult parsed)
    {
        var tokenizer = SentencePieceBpeTokenizer.Load(parsed.GetValue(_tokenizer)!);
        var (parsing, beginning) = (parsed.GetValue(_special), parsed.GetValue(_beginning));
        return EachLine<string>("a JSON string, such as \"hello\"", text =>
        {
            var ids = tokenizer.EncodeText(text, boundary: true, parsing);
            return beginning ? JsonSerializer.Serialize<int[]>([tokenizer.BeginningId, .. ids]) : JsonSerializer.Serialize(ids);
        });
    }

    private int Decode(ParseResult parsed)
    {
        var tokenizer = SentencePieceBpeTokenizer.Load(parsed.GetValue(_tokenizer)!);
        var keep = parsed.GetValue(_keepSpecial);
        return EachLine<int[]>("an array of ids, such as [1, 15043]", ids =>
        {
            if (Array.Find(ids, id => id < 0 || id >= tokenizer.VocabularySize) is var wrong && wrong != 0)
                throw new BadInputException("id", $"{wrong} is not in the vocabulary of {tokenizer.VocabularySize}",
                    "check that the ids come from this tokenizer");
            return JsonSerializer.Serialize(tokenizer.Decode(ids, stripBoundary: true, keep), Plain);
        });
    }

    private int EachLine<T>(string wanted, Func<T, string> answer)
        where T : class
    {
        long line = 0;
        while (terminal.Input.ReadLine() is { } text)
        {
            line++;
            if (string.IsNullOrWhiteSpace(text)) continue;
            T value;
            try
            {
                value = JsonSerializer.Deserialize<T>(text) ?? throw new JsonException("null");
            }
            catch (JsonException error)
            {
                throw new BadInputException($"standard input:{line}", $"is not {wanted.Split(',')[0]}", $"write {wanted}, one per line", error);
            }
            terminal.Output.WriteLine(answer(value));
        }
        terminal.Output.Flush();
        return ExitCode.Done;
    }
}
