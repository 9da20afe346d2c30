using System.Diagnostics;
using Tulu2.Data.Tokenizers;
using Tulu2.Evaluation.Generation.Cache;
using Tulu2.Files;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Continuous batching on a thread of its own: each step computes the next token of everything that runs, and a chunk of the prompts that came; answers
/// leave, and others join, between steps.
/// </summary>
public sealed class GenerationEngine : IGenerationEngine
{
    // Logits that are in memory at a time.
    private const int MostRows = 64;

    // Losses of a part of the model without a step in between: more are no accident.
    private const int MostLosses = 3;

    private readonly IEngineModel _model;
    private readonly EngineSettings _settings;
    private readonly IReadOnlySet<int> _endIds;
    private readonly Func<IAnswerText> _newText;
    private readonly PageCache _cache;
    private readonly EngineScheduler _scheduler;
    private readonly Thread _thread;
    private readonly object _lock = new();
    private readonly Queue<EngineJob> _inbox = new();
    private readonly HashSet<EngineJob> _jobs = [];
    private readonly TokenRate _rate = new();
    private float[] _logits = [];
    private volatile EngineMetrics _metrics;
    // Some jobs are over, perhaps before their time.
    private bool _over;
    private bool _ended, _finished;
    private long _done, _generated;
    private int _losses;

    internal GenerationEngine(IEngineModel model, IReadOnlySet<int> endIds, Func<IAnswerText> newText, EngineSettings settings)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.MaxRunning, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.PrefillChunk, 1);
        (_model, _endIds, _newText, _settings) = (model, endIds, newText, settings);
        _cache = new PageCache(model.Pages, model.PageTokens);
        _scheduler = new EngineScheduler(_cache, settings);
        _metrics = Measure();
        _thread = new Thread(Serve) { IsBackground = true, Name = "generation engine" };
        _thread.Start();
    }

    /// <param name="model">Disposed of by the caller, after the engine.</param>
    /// <param name="settings">Null: the defaults.</param>
    public static GenerationEngine Start(LoadedModel model, EngineSettings? settings = null)
    {
        settings ??= new EngineSettings();
        return new GenerationEngine(new LlamaEngineModel(model.Model, settings, model.Team), model.EndIds, () => new AnswerText(model.Tokenizer), settings);
    }

    public int ContextLength => _model.ContextLength;

    public int VocabularySize => _model.VocabularySize;

    public EngineMetrics Metrics
    {
        get
        {
            lock (_lock) return _metrics with { Waiting = Waiting, TokensPerSecond = _rate.PerSecond(Stopwatch.GetTimestamp()) };
        }
    }

    // Jobs with sequences that were never admitted.
    private int Waiting => _jobs.Count(job => job.Waiting == job.Sequences.Count && !job.IsOver);

    public Task<EngineResult> SubmitAsync(EngineRequest request, CancellationToken cancellation = default)
    {
        var prompt = request.PromptIds;
        var isScored = request.PromptLogProbabilities && request.Options.MaxTokens == 0;
        (isScored ? request.Options with { MaxTokens = null } : request.Options).Validate();
        if (request.Top is < 0 or > EngineRequest.MaxTop) throw new BadInputException("logprobs", $"is not within 0 and {EngineRequest.MaxTop}",
            "give a value in this range");
        Check(prompt, request.Location, isScored ? ContextLength : ContextLength - 1);
        if (isScored)
        {
            if (prompt.Length == 1) return Task.FromResult(new EngineResult(1, 0, [null], []));
            var scored = new ScoreSequence(prompt, [.. Enumerable.Range(1, prompt.Length - 1)], request.Top ?? 0, request.Location);
            return SubmitAsync([scored], () => new EngineResult(prompt.Length, 0, [null, .. scored.Scores], []), cancellation);
        }
        var limit = Math.Min(request.Options.MaxTokens ?? int.MaxValue, ContextLength - prompt.Length);
        var seed = request.Options.Seed ?? Random.Shared.NextInt64();
        SampleSequence[] samples = [.. Enumerable.Range(0, request.Options.Count).Select(number =>
            new SampleSequence(request, number, seed, limit, Math.Min(_model.UsedVocabulary, _model.VocabularySize), _endIds, _newText()))];
        return SubmitAsync(samples, () => new EngineResult(prompt.Length, samples[0].Cached ?? 0, samples[0].PromptScores,
            [.. samples.Select(sample => sample.Result!)]), cancellation);
    }

    public Task<IReadOnlyList<ContinuationScore>> ScoreAsync(int[] prompt, IReadOnlyList<int[]> continuations, CancellationToken cancellation = default)
    {
        if (continuations.Count == 0 || continuations.Any(ids => ids.Length == 0)) throw new BadInputException("continuation", "is empty",
            "give some text to score");
        Check(prompt, "prompt", ContextLength);
        int[][] whole = [.. continuations.Select(ids => (int[])[.. prompt, .. ids])];
        foreach (var ids in whole) Check(ids, "continuation", ContextLength);
        ScoreSequence[] sequences = [.. whole.Select(ids => new ScoreSequence(ids, [.. Enumerable.Range(prompt.Length, ids.Length - prompt.Length)], 0,
            "continuation"))];
        return SubmitAsync<IReadOnlyList<ContinuationScore>>(sequences, () => [.. sequences.Select(sequence => new ContinuationScore(
            sequence.Scores.Sum(score => (double)score.LogProbability), [.. sequence.Scores.Select(score => score.LogProbability)], sequence.IsGreedy))],
                cancellation);
    }

    public Task<IReadOnlyList<float>> NextTokenAsync(int[] prompt, IReadOnlyList<int> ids, CancellationToken cancellation = default)
    {
        Check(prompt, "prompt", ContextLength);
        if (ids.FirstOrDefault(id => id < 0 || id >= VocabularySize, -1) is >= 0 and var unknown) throw Unknown("next token", unknown);
        var sequence = new NextTokenSequence(prompt, ids);
        return SubmitAsync([sequence], () => sequence.Scores, cancellation);
    }

    /// <summary>Log-probabilities of single tokens of a sequence.</summary>
    /// <param name="positions">Ascending, none of them 0; at least one.</param>
    internal Task<IReadOnlyList<float>> ScoreAsync(int[] ids, IReadOnlyList<int> positions, CancellationToken cancellation)
    {
        Check(ids, "sequence", ContextLength);
        var sequence = new ScoreSequence(ids, positions, 0, "sequence");
        return SubmitAsync<IReadOnlyList<float>>([sequence], () => [.. sequence.Scores.Select(score => score.LogProbability)], cancellation);
    }

    /// <summary>Ends the engine; what runs or waits fails with <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_ended) return;
            _ended = true;
            Monitor.Pulse(_lock);
        }
        _model.Stop();
        _thread.Join();
        foreach (var job in _jobs) job.Fail(new ObjectDisposedException(nameof(GenerationEngine)));
        _model.Dispose();
    }

    private void Check(int[] ids, string location, int most)
    {
        if (ids.Length == 0) throw new BadInputException(location, "is empty", "give some text to continue");
        if (ids.Length > most)
            throw new BadInputException(location, $"has {ids.Length} tokens, but the model's context holds {ContextLength} (max_position_embeddings), answer included",
                "shorten the prompt or the dialogue");
        foreach (var id in ids)
            if (id < 0 || id >= VocabularySize) throw Unknown(location, id);
    }

    private BadInputException Unknown(string location, int id) => new(
        location, $"has the id {id}, but the model has only {VocabularySize} ids: its tokenizer has more", "remove the special token with this id");

    private Task<T> SubmitAsync<T>(IReadOnlyList<EngineSequence> sequences, Func<T> result, CancellationToken cancellation)
    {
        var job = new EngineJob<T>(sequences, result) { Waiting = sequences.Count };
        foreach (var sequence in sequences) sequence.Job = job;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            // Those for which there are rows do not count: they only wait for the step to end.
            if (_settings.MaxWaiting < int.MaxValue && Waiting is var waiting && waiting >= (long)_settings.MaxWaiting + _settings.MaxRunning - _scheduler.RunningCount)
                throw new EngineBusyException(waiting);
            _inbox.Enqueue(job);
            _jobs.Add(job);
            Monitor.Pulse(_lock);
        }
        if (cancellation.CanBeCanceled)
        {
            var registration = cancellation.Register(() =>
            {
                job.Cancel(cancellation);
                lock (_lock)
                {
                    _over = true;
                    Monitor.Pulse(_lock);
                }
            });
            _ = job.Task.ContinueWith(static (_, state) => ((CancellationTokenRegistration)state!).Unregister(), registration, CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
        return job.Task;
    }

    private void Serve()
    {
        while (Receive())
        {
            try
            {
                Step();
                _losses = 0;
            }
            catch (Exception error)
            {
                // The sequences go on from the tokens that they have, with the same bits.
                if (error is ModelLostException)
                    lock (_lock) _scheduler.StartAgain();
                // A fault of the engine itself: nobody may wait for ever.
                if (error is not ModelLostException || ++_losses > MostLosses) FailAll(error);
            }
            Forget();
        }
    }

    // Waits for work; false: the engine has ended.
    private bool Receive()
    {
        lock (_lock)
        {
            while (!_ended && _inbox.Count == 0 && _scheduler.IsIdle && !_over) Monitor.Wait(_lock);
            if (_ended) return false;
            while (_inbox.TryDequeue(out var job))
                foreach (var sequence in job.Sequences) _scheduler.Add(sequence);
            Clear();
            return true;
        }
    }

    private void Step()
    {
        IReadOnlyList<EngineWork> work;
        lock (_lock) work = _scheduler.Next();
        if (work.Count == 0) return;
        _model.Run([.. work.Select(item => item.Part)]);
        _scheduler.Computed(work);
        var needed = new List<(EngineSequence Sequence, int Position, int Row)>();
        var row = 0;
        foreach (var item in work)
            for (var position = item.First; position < item.First + item.Count; position++, row++)
                if (item.Running.Sequence.Needs(position)) needed.Add((item.Running.Sequence, position, row));
        foreach (var rows in needed.Chunk(MostRows)) Take(rows);
    }

    private void Take((EngineSequence Sequence, int Position, int Row)[] rows)
    {
        var width = _model.VocabularySize;
        if (_logits.Length < rows.Length * width) _logits = new float[rows.Length * width];
        _model.Logits([.. rows.Select(row => row.Row)], _logits.AsSpan(0, rows.Length * width));
        for (var index = 0; index < rows.Length; index++)
        {
            var (sequence, position, _) = rows[index];
            if (sequence.IsEnded || sequence.Job.IsOver) continue;
            var before = sequence.Ids.Count;
            try
            {
                sequence.Take(position, _logits.AsSpan(index * width, width));
                _generated += sequence.Ids.Count - before;
                if (sequence.IsEnded) sequence.Job.Ended();
                if (sequence.Job.IsOver) _finished = true;
            }
            catch (Exception error)
            {
                // The caller's own code, or broken weights: others go on.
                sequence.Job.Fail(error);
                lock (_lock) _over = true;
            }
        }
    }

    private void FailAll(Exception error)
    {
        lock (_lock)
        {
            foreach (var job in _jobs) job.Fail(error);
            _over = true;
        }
    }

    private void Forget()
    {
        lock (_lock)
        {
            Clear();
            _rate.Add(Stopwatch.GetTimestamp(), _generated);
            _metrics = Measure();
        }
    }

    // Takes out what is over.
    private void Clear()
    {
        _scheduler.Sweep(_over);
        if (_over || _finished) _done += _jobs.RemoveWhere(job => job.IsOver);
        (_over, _finished) = (false, false);
    }

    private EngineMetrics Measure() => new(
        _scheduler.RunningCount, 0, _done, _scheduler.PromptTokens, _scheduler.CachedTokens, _generated, 0,
        _cache.Capacity * _cache.PageTokens, _cache.InUse * _cache.PageTokens, _cache.Kept * _cache.PageTokens);

    private sealed class AnswerText(SentencePieceBpeTokenizer tokenizer) : IAnswerText
    {
        // An answer continues a text, so its first word's boundary is a real space.
        private readonly StreamingDecoder _decoder = new(tokenizer, stripBoundary: false);

        public string Add(int id) => _decoder.Add(id);

        public string Flush() => _decoder.Flush();
    }
}

/// <summary>Tokens per second in the last seconds.</summary>
internal sealed class TokenRate
{
    private static readonly long Window = 5 * Stopwatch.Frequency;

    private readonly Queue<(long Time, long Total)> _seen = new();

    /// <param name="total">Tokens so far.</param>
    public void Add(long time, long total)
    {
        _seen.Enqueue((time, total));
        while (_seen.Count > 2 && time - _seen.Peek().Time > Window) _seen.Dequeue();
    }

    public double PerSecond(long now)
    {
        if (_seen.Count < 2 || now - _seen.Last().Time > Window) return 0;
        var (first, last) = (_seen.Peek(), _seen.Last());
        return (last.Total - first.Total) / Math.Max(1e-3, (last.Time - first.Time) / (double)Stopwatch.Frequency);
    }
}
