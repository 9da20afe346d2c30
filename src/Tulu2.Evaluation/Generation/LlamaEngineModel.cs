using Tulu2.Collectives;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Shards;
using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Generation;

/// <summary>A loaded model with a key-value cache; with a team, the first of its shards, which tells the others what to compute.</summary>
internal sealed class LlamaEngineModel : IEngineModel
{
    // A default budget: 2,032 tokens of a 7B model, of which one full context is more.
    private const long DefaultBytes = 2L << 30;

    private readonly InferenceModel _model;
    private readonly ShardTeam? _team;
    private readonly int _threads;
    private readonly KeyValuePages _pages;

    // Null: the other shards' processes are to be gathered first.
    private InferencePass? _pass;
    private ShardGroup? _group;

    /// <param name="team">Of the other shards; null: the model is whole.</param>
    public LlamaEngineModel(InferenceModel model, EngineSettings settings, ShardTeam? team = null)
    {
        var context = model.Config.MaxPositions;
        var tokens = settings.CacheTokens ?? Math.Max(context, Math.Min(
            (long)settings.MaxRunning * context, DefaultBytes / KeyValuePages.BytesOf(model.Local) * KeyValuePages.Tokens));
        (_model, _team, _threads) = (model, team, settings.Threads);
        _pages = new KeyValuePages(model.Local, checked((int)((tokens + KeyValuePages.Tokens - 1) / KeyValuePages.Tokens)));
        try
        {
            // What is wrong with a shard is said before anybody asks for something.
            _ = Gathered();
        }
        catch
        {
            _pages.Dispose();
            throw;
        }
    }

    public int VocabularySize => _model.Config.VocabularySize;

    public int UsedVocabulary => _model.Config.UsedVocabulary;

    public int ContextLength => Math.Min(_model.Config.MaxPositions, _pages.Count * KeyValuePages.Tokens);

    public int Pages => _pages.Count;

    public int PageTokens => KeyValuePages.Tokens;

    public void Run(IReadOnlyList<SequencePart> parts)
    {
        try
        {
            var pass = Gathered();
            _group?.Tell(ShardWords.Run(parts));
            pass.Run(parts);
        }
        catch (Exception lost) when (IsLoss(lost))
        {
            throw Lost(lost);
        }
    }

    public void Logits(ReadOnlySpan<int> rows, Span<float> logits)
    {
        // Without a pass there is nothing whose logits could be asked for.
        var pass = _pass!;
        try
        {
            _group?.Tell(ShardWords.Logits(rows));
            pass.Logits(rows, logits);
        }
        catch (Exception lost) when (IsLoss(lost))
        {
            throw Lost(lost);
        }
    }

    public void Stop() => _team?.Stop();

    public void Dispose()
    {
        _pass?.Dispose();
        _pages.Dispose();
    }

    private InferencePass Gathered()
    {
        if (_pass is not null) return _pass;
        if (_team is not null) _group = EngineCalls.Wait([_team], (team, _) => team.GatherAsync(_pages.Count, _threads), CancellationToken.None)[0];
        return _pass = new InferencePass(_model, _pages, _threads, _group);
    }

    private bool IsLoss(Exception error) => _team is not null && error is CollectiveAbortedException or TimeoutException or EvaluatorProcessException;

    private ModelLostException Lost(Exception cause)
    {
        _pass?.Dispose();
        _pass = null;
        return new ModelLostException("a process that held a part of the model is gone", cause);
    }
}
