using System.CommandLine;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Files;

namespace Tulu2.Cli.Commands;

/// <summary>The options of everything that turns rows into tokens as training does.</summary>
internal sealed class EncodingFlags
{
    private readonly Option<string> _tokenizer = CommandBuilder.Required<string>("--tokenizer", "Directory with tokenizer.model or tokenizer.json");
    private readonly Option<int> _maxLength = CommandBuilder.Option("--max-length", "Maximum sequence length in tokens; longer sequences are truncated", 8192);
    private readonly Option<ChatForm> _chat = CommandBuilder.Option("--chat", "default or legacy ids after an end token", ChatForm.Default);

    public IReadOnlyList<Symbol> Symbols => [_tokenizer, _maxLength, _chat];

    /// <exception cref="BadInputException">No such tokenizer, or a length that holds no sequence.</exception>
    public (SentencePieceBpeTokenizer Tokenizer, ChatEncoder Encoder) Read(ParseResult parsed)
    {
        var tokenizer = SentencePieceBpeTokenizer.Load(parsed.GetValue(_tokenizer)!);
        var length = parsed.GetValue(_maxLength);
        if (length < 2) throw new BadInputException("--max-length", $"{length} is below 2", "use 2 or more");
        return (tokenizer, new ChatEncoder(ChatTokenizer.Of(tokenizer), parsed.GetValue(_chat), length));
    }
}
