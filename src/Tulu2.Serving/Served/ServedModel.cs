using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Generation;

namespace Tulu2.Serving.Served;

/// <summary>The model of a server.</summary>
/// <param name="name">As clients see it in <c>/v1/models</c>.</param>
/// <param name="engine">Disposed of by the caller, after the server.</param>
/// <param name="chat">The chat template.</param>
public sealed class ServedModel(string name, IGenerationEngine engine, SentencePieceBpeTokenizer tokenizer, ChatEncoder chat)
{
    public string Name { get; } = name;

    /// <summary>Other names under which clients may ask for it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    public IGenerationEngine Engine { get; } = engine;
    public SentencePieceBpeTokenizer Tokenizer { get; } = tokenizer;
    public ChatEncoder Chat { get; } = chat;

    internal TokenText TokenText { get; } = new(tokenizer);

    public bool Is(string asked) => asked == Name || Aliases.Contains(asked);
}
