using Tulu2.Evaluation.Generation.Cache;
using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Generation;

/// <summary>
/// Decides what a step computes: admits sequences in order, as rows and pages are free; takes over what the cache holds of them; gives every running one
/// its next token, and prompts the rest of the step's budget. Where pages run out, the sequence that came last gives its own back and is computed again
/// later; that changes
/// no bits. No clock, no model, not thread-safe.
/// </summary>
internal sealed class EngineScheduler(PageCache cache, EngineSettings settings)
{
    private readonly LinkedList<Running> _waiting = new();
    private readonly List<Running> _running = [];

    // Of prompt pages that the step computes: another sequence with the same tokens waits for them.
    private readonly HashSet<(CachedPage, PageTokens)> _computing = [];

    public int RunningCount => _running.Count;

    public int WaitingCount => _waiting.Count;

    public bool IsIdle => _running.Count == 0 && _waiting.Count == 0;

    /// <summary>Tokens of admitted sequences' prompts, and those of them that were in the cache.</summary>
    public long PromptTokens { get; private set; }

    public long CachedTokens { get; private set; }

    public void Add(EngineSequence sequence) => _waiting.AddLast(new Running(sequence));

    /// <summary>Drops what has ended, or whose job is over.</summary>
    /// <param name="waiting">Of those that wait too: a job may have failed, or been cancelled.</param>
    public void Sweep(bool waiting)
    {
        foreach (var running in _running) if (IsOver(running)) Release(running);
        _running.RemoveAll(IsOver);
        for (var node = waiting ? _waiting.First : null; node is not null;)
        {
            var next = node.Next;
            if (IsOver(node.Value)) _waiting.Remove(node);
            node = next;
        }

        static bool IsOver(Running running) => running.Sequence.IsEnded || running.Sequence.Job.IsOver;
    }

    /// <summary>What was computed is lost: what runs is computed again, before what waits.</summary>
    public void StartAgain()
    {
        Sweep(waiting: false);
        for (var index = _running.Count - 1; index >= 0; index--)
        {
            Release(_running[index]);
            _waiting.AddFirst(_running[index]);
        }
        _running.Clear();
        cache.Clear();
    }

    /// <summary>The work of the next step; empty only when there is none.</summary>
    public IReadOnlyList<EngineWork> Next()
    {
        Admit();
        _computing.Clear();
        var work = new List<EngineWork>();
        var budget = settings.PrefillChunk;
        for (var index = 0; index < _running.Count; index++)
        {
            var running = _running[index];
            Match(running);
            var pending = running.Sequence.Ids.Count - running.Computed;
            var count = pending == 1 ? 1 : Math.Min(pending, budget);
            if (count == 0 || !Claims(running, pending) || !Reserve(running, count, index)) continue;
            if (pending > 1) budget -= count;
            work.Add(new EngineWork(running, count));
        }
        return work;
    }

    /// <summary>The step's tokens are in the cache.</summary>
    public void Computed(IReadOnlyList<EngineWork> work)
    {
        foreach (var (running, count) in work)
        {
            running.Computed += count;
            if (!settings.ReusePrefixes) continue;
            for (var page = running.Chain.Count; (page + 1) * cache.PageTokens <= running.Computed; page++)
            {
                var kept = cache.Keep(running.Last(cache), Tokens(running, page), running.Pages[page]);
                running.Pages[page] = kept.Page;
                running.Chain.Add(kept);
            }
        }
    }

    private ReadOnlySpan<int> Tokens(Running running, int page) =>
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(running.Sequence.Ids).Slice(page * cache.PageTokens, cache.PageTokens);

    private void Admit()
    {
        // What the running ones will still take to get through what they have.
        var promised = _running.Sum(running => PagesFor(running) - running.Pages.Count);
        while (_waiting.First is { } first && _running.Count < settings.MaxRunning)
        {
            var next = first.Value;
            Match(next);
            var needed = PagesFor(next) - next.Pages.Count;
            if (_running.Count > 0 && promised + needed > cache.Available)
            {
                Release(next);
                return;
            }
            promised += needed;
            _waiting.RemoveFirst();
            _running.Add(next);
            if (next.Sequence.Cached is null)
            {
                next.IsNew = true;
                PromptTokens += next.Sequence.Ids.Count;
                next.Sequence.Job.Waiting--;
            }
            Count(next);
        }
    }

    // With the next token that it chooses.
    private int PagesFor(Running running) => (running.Sequence.Ids.Count + cache.PageTokens) / cache.PageTokens;

    // Takes over pages of the tree, as long as no logits are needed of their tokens.
    private void Match(Running running)
    {
        if (!settings.ReusePrefixes || running.Computed != running.Chain.Count * cache.PageTokens || running.Pages.Count != running.Chain.Count) return;
        while (running.Computed + cache.PageTokens <= running.Sequence.FirstNeeded
            && cache.Find(running.Last(cache), Tokens(running, running.Chain.Count)) is { } found)
        {
            running.Chain.Add(found);
            running.Pages.Add(found.Page);
            running.Computed += cache.PageTokens;
        }
        Count(running);
    }

    // Until it computes something itself, what it has is from the cache.
    private void Count(Running running)
    {
        if (!running.IsNew) return;
        CachedTokens += running.Computed - (running.Sequence.Cached ?? 0);
        running.Sequence.Cached = running.Computed;
    }

    private bool Claims(Running running, int pending)
    {
        if (!settings.ReusePrefixes || running.Computed % cache.PageTokens != 0 || pending <= cache.PageTokens) return true;
        var claim = (running.Last(cache), new PageTokens(Tokens(running, running.Computed / cache.PageTokens)));
        // It is worth waiting only for what can be taken over.
        return _computing.Add(claim) || running.Computed + cache.PageTokens > running.Sequence.FirstNeeded;
    }

    // Pages for the next tokens; from those that came later, where there are no others.
    private bool Reserve(Running running, int count, int index)
    {
        running.IsNew = false;
        while (running.Pages.Count * cache.PageTokens < running.Computed + count)
        {
            if (cache.Take() is { } page) running.Pages.Add(page);
            else
            {
                var last = _running[^1];
                Release(last);
                _running.RemoveAt(_running.Count - 1);
                _waiting.AddFirst(last);
                if (_running.Count <= index) return false;
            }
        }
        return true;
    }

    private void Release(Running running)
    {
        for (var page = running.Chain.Count; page < running.Pages.Count; page++) cache.Return(running.Pages[page]);
        cache.Release(running.Chain);
        running.Pages.Clear();
        running.Chain.Clear();
        running.Computed = 0;
    }

    /// <summary>A sequence with its pages.</summary>
    internal sealed class Running(EngineSequence sequence)
    {
        public EngineSequence Sequence => sequence;

        /// <summary>Its pages, of which the first are those of <see cref="Chain"/>.</summary>
        public List<int> Pages { get; } = [];

        public List<CachedPage> Chain { get; } = [];

        /// <summary>Tokens that are in the pages.</summary>
        public int Computed { get; set; }

        /// <summary>It was admitted, and has computed nothing yet.</summary>
        public bool IsNew { get; set; }

        public CachedPage Last(PageCache cache) => Chain.Count > 0 ? Chain[^1] : cache.Root;
    }
}

/// <summary>The next tokens of a sequence that a step computes.</summary>
internal sealed record EngineWork(EngineScheduler.Running Running, int Count)
{
    /// <summary>Position of the first of them.</summary>
    public int First { get; } = Running.Computed;

    public SequencePart Part => new(Running.Sequence.Ids.GetRange(First, Count).ToArray(), First, Running.Pages);
}
