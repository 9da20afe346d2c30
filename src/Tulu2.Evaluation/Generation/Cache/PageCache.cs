namespace Tulu2.Evaluation.Generation.Cache;

/// <summary>
/// Who uses which page of the key-value cache. Full pages stand in a tree by their tokens, so that a sequence takes over those of an earlier one that began
/// with the same tokens. Pages that nobody uses are kept until others need them; the one that was used longest ago goes first. Not thread-safe.
/// </summary>
/// <param name="pages">Number of pages.</param>
/// <param name="pageTokens">Tokens of a page.</param>
internal sealed class PageCache(int pages, int pageTokens)
{
    private readonly Stack<int> _free = new(Enumerable.Range(0, pages).Reverse());

    // A page's descendants always stand before it: a sequence that uses one uses its ancestors too, and gives them back last.
    private readonly LinkedList<CachedPage> _idle = new();

    public int Capacity => pages;

    public int PageTokens => pageTokens;

    /// <summary>Pages that can be had at once.</summary>
    public int Available => _free.Count + _idle.Count;

    /// <summary>Pages that nobody uses and that are kept.</summary>
    public int Kept => _idle.Count;

    public int InUse => pages - Available;

    /// <summary>The beginning of all sequences.</summary>
    public CachedPage Root { get; } = new(null, default, -1);

    /// <summary>A page for new tokens; null: all are in use.</summary>
    public int? Take()
    {
        if (_free.TryPop(out var page)) return page;
        if (_idle.First is not { } oldest) return null;
        _idle.RemoveFirst();
        var evicted = oldest.Value;
        evicted.Idle = null;
        evicted.Parent!.Children.Remove(evicted.Tokens);
        return evicted.Page;
    }

    /// <summary>Gives back a page that is not in the tree.</summary>
    public void Return(int page) => _free.Push(page);

    /// <summary>The page with these tokens behind another one, which is used from now on; null: there is none.</summary>
    public CachedPage? Find(CachedPage before, ReadOnlySpan<int> tokens)
    {
        if (!before.Children.TryGetValue(new PageTokens(tokens), out var found)) return null;
        if (found.Users++ == 0)
        {
            _idle.Remove(found.Idle!);
            found.Idle = null;
        }
        return found;
    }

    /// <summary>
    /// Puts a full page into the tree, where its user goes on using it. If there is one with the same tokens, that one is used instead, and this page is
    /// free.
    /// </summary>
    public CachedPage Keep(CachedPage before, ReadOnlySpan<int> tokens, int page)
    {
        if (Find(before, tokens) is { } found)
        {
            Return(page);
            return found;
        }
        var kept = new CachedPage(before, new PageTokens(tokens), page) { Users = 1 };
        before.Children.Add(kept.Tokens, kept);
        return kept;
    }

    /// <summary>Forgets all pages; nobody uses one.</summary>
    public void Clear()
    {
        Root.Children.Clear();
        foreach (var page in _idle) _free.Push(page.Page);
        _idle.Clear();
    }

    /// <summary>Ends a sequence's use of pages of the tree.</summary>
    /// <param name="chain">From the beginning of the sequence on.</param>
    public void Release(IReadOnlyList<CachedPage> chain)
    {
        for (var index = chain.Count - 1; index >= 0; index--)
            if (--chain[index].Users == 0) chain[index].Idle = _idle.AddLast(chain[index]);
    }
}

/// <summary>A full page in the tree.</summary>
internal sealed class CachedPage(CachedPage? parent, PageTokens tokens, int page)
{
    public CachedPage? Parent => parent;

    public PageTokens Tokens => tokens;

    public int Page => page;

    public Dictionary<PageTokens, CachedPage> Children { get; } = [];

    /// <summary>Sequences that use it.</summary>
    public int Users { get; set; }

    /// <summary>Its place among those that nobody uses.</summary>
    public LinkedListNode<CachedPage>? Idle { get; set; }
}

/// <summary>The tokens of a page, compared one by one: equal hashes are not enough to give one caller what is another's.</summary>
internal readonly struct PageTokens(ReadOnlySpan<int> tokens) : IEquatable<PageTokens>
{
    private readonly int[] _tokens = tokens.ToArray();

    public bool Equals(PageTokens other) => _tokens.AsSpan().SequenceEqual(other._tokens);

    public override bool Equals(object? obj) => obj is PageTokens other && Equals(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var token in _tokens) hash.Add(token);
        return hash.ToHashCode();
    }
}
