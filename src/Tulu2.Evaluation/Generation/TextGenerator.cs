using Tulu2.Data.Rows;
using Tulu2.Evaluation.Requests;

namespace Tulu2.Evaluation.Generation;

/// <summary>Generates text from chat prompts and raw prompts, with an engine of its own.</summary>
public sealed class TextGenerator : IChatGenerator, IDisposable
{
    private readonly LoadedModel _model;
    private readonly bool _owned;

    /// <param name="model">Disposed of by the caller, after the generator.</param>
    /// <param name="maxBatch">Answers that are generated at a time, at most.</param>
    /// <param name="threads">Threads that compute.</param>
    public TextGenerator(LoadedModel model, int maxBatch = 32, int threads = 1)
        : this(model, new EngineSettings { MaxRunning = maxBatch, Threads = threads }, owned: false)
    {
    }

    private TextGenerator(LoadedModel model, EngineSettings settings, bool owned)
    {
        (_model, _owned) = (model, owned);
        try
        {
            Engine = GenerationEngine.Start(model, settings);
        }
        catch
        {
            if (owned) model.Dispose();
            throw;
        }
    }

    public LoadedModel Model => _model;

    public GenerationEngine Engine { get; }

    public int ContextLength => Engine.ContextLength;

    /// <summary>Loads a Hugging Face directory; the generator owns it.</summary>
    /// <param name="loading">Null: the defaults.</param>
    /// <param name="threads">Threads that compute, of each process.</param>
    /// <exception cref="Files.BadInputException">The directory cannot be used.</exception>
    public static TextGenerator Load(string directory, ModelLoading? loading = null, int maxBatch = 32, int threads = 1) =>
        new(LoadedModel.Load(directory, loading), new EngineSettings { MaxRunning = maxBatch, Threads = threads }, owned: true);

    public int[] EncodeChat(IReadOnlyList<Message> messages) => _model.Chat.EncodePrompt(messages);

    /// <summary>The ids of a text without the chat template: the beginning token and the text.</summary>
    public int[] EncodeRaw(string text) => Encode(new ModelPrompt.Raw(text));

    public int[] Encode(ModelPrompt prompt) => _model.Prompts.Encode(prompt);

    public int[] EncodeContinuation(string text) => _model.Prompts.EncodeContinuation(text);

    public IReadOnlyList<GenerationResult> Generate(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellation = default) =>
        [.. EngineCalls.Wait(requests, (request, token) => Engine.SubmitAsync(Request(request), token), cancellation).Select(Result)];

    public GenerationResult Generate(GenerationRequest request, CancellationToken cancellation = default) => Generate([request], cancellation)[0];

    public void Dispose()
    {
        Engine.Dispose();
        if (_owned) _model.Dispose();
    }

    private static EngineRequest Request(GenerationRequest request) => new(request.PromptIds, request.Options with { Count = 1 })
    {
        Location = request.Location,
        OnToken = request.OnText is not { } write ? null : token =>
        {
            if (token.Text.Length > 0) write(token.Text);
        },
    };

    private static GenerationResult Result(EngineResult result) =>
        new(result.Samples[0].Text, result.Samples[0].Finish, result.PromptTokens, result.Samples[0].Ids);
}
