using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Generation;

/// <summary>A loaded model with a key-value cache.</summary>
internal sealed class LlamaEngineModel : IEngineModel
{
    // A default budget: 2,032 tokens of a 7B model, of which one full context is more.
    private const long DefaultBytes = 2L << 30;

    private readonly InferenceModel _model;
    private readonly KeyValuePages _pages;
    private readonly InferencePass _pass;

    public LlamaEngineModel(InferenceModel model, EngineSettings settings)
    {
        var context = model.Config.MaxPositions;
        var tokens = settings.CacheTokens ?? Math.Max(context, Math.Min(
            (long)settings.MaxRunning * context, DefaultBytes / KeyValuePages.BytesOf(model.Config) * KeyValuePages.Tokens));
        _model = model;
        _pages = new KeyValuePages(model.Config, checked((int)((tokens + KeyValuePages.Tokens - 1) / KeyValuePages.Tokens)));
        _pass = new InferencePass(model, _pages, settings.Threads);
    }

    public int VocabularySize => _model.Config.VocabularySize;

    public int UsedVocabulary => _model.Config.UsedVocabulary;

    public int ContextLength => Math.Min(_model.Config.MaxPositions, _pages.Count * KeyValuePages.Tokens);

    public int Pages => _pages.Count;

    public int PageTokens => KeyValuePages.Tokens;

    public void Run(IReadOnlyList<SequencePart> parts) => _pass.Run(parts);

    public void Logits(ReadOnlySpan<int> rows, Span<float> logits) => _pass.Logits(rows, logits);

    public void Dispose()
    {
        _pass.Dispose();
        _pages.Dispose();
    }
}
