using Tulu2.Data.Rows;
using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Requests;
using static TorchSharp.torch;

namespace Tulu2.Evaluation.Generation;

/// <summary>Generates text from chat prompts and raw prompts. Not thread-safe.</summary>
public sealed class TextGenerator : IChatGenerator, IDisposable
{
    private readonly LoadedModel _model;
    private readonly BatchGenerator _generator;
    private readonly bool _owned;

    /// <param name="model">Disposed of by the caller.</param>
    /// <param name="maxBatch">Maximum batch size; each prompt needs a key-value cache for its maximum length.</param>
    public TextGenerator(LoadedModel model, int maxBatch = 32)
        : this(model, maxBatch, owned: false)
    {
    }

    private TextGenerator(LoadedModel model, int maxBatch, bool owned)
    {
        (_model, _owned) = (model, owned);
        _generator = new BatchGenerator(new LlamaDecoder(model), model.EndIds, () => new AnswerText(model.Tokenizer), maxBatch);
    }

    public LoadedModel Model => _model;

    public int ContextLength => _model.Config.MaxPositions;

    /// <summary>Loads a Hugging Face directory; the generator owns it.</summary>
    /// <exception cref="Files.BadInputException">The directory cannot be used.</exception>
    public static TextGenerator Load(string directory, int maxBatch = 32) => new(LoadedModel.Load(directory), maxBatch, owned: true);

    public int[] EncodeChat(IReadOnlyList<Message> messages) => _model.Chat.EncodePrompt(messages);

    /// <summary>The ids of a text without the chat template: the beginning token and the text.</summary>
    public int[] EncodeRaw(string text) => Encode(new ModelPrompt.Raw(text));

    public int[] Encode(ModelPrompt prompt) => _model.Prompts.Encode(prompt);

    public int[] EncodeContinuation(string text) => _model.Prompts.EncodeContinuation(text);

    public IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default)
    {
        // OpenMP stores this setting per thread. More threads would be slower where ranks or evaluators share the cores.
        set_num_threads(1);
        return _generator.Run(requests, cancellation);
    }

    public GenerationResult Generate(GenerationRequest request, CancellationToken cancellation = default) => Generate([request], cancellation)[0];

    public void Dispose()
    {
        if (_owned) _model.Dispose();
    }

    private sealed class AnswerText(SentencePieceBpeTokenizer tokenizer) : IAnswerText
    {
        // An answer continues a text, so its first word's boundary is a real space.
        private readonly StreamingDecoder _decoder = new(tokenizer, stripBoundary: false);

        public string Add(int id) => _decoder.Add(id);

        public string Flush() => _decoder.Flush();
    }
}
