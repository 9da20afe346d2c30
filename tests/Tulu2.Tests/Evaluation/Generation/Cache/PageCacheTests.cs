using FsCheck.Xunit;
using Tulu2.Evaluation.Generation.Cache;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation.Cache;

public class PageCacheTests
{
    [Property(MaxTest = 200)]
    public void Pages_are_neither_lost_nor_given_twice(int seed)
    {
        var random = new Random(seed);
        var cache = new PageCache(12, 2);
        var chains = new List<(List<CachedPage> Chain, List<int[]> Tokens)>();
        for (var step = 0; step < 200; step++)
        {
            if (chains.Count < 4 && random.Next(3) > 0)
            {
                var chain = new List<CachedPage>();
                var tokens = new List<int[]>();
                while (random.Next(5) > 0)
                {
                    int[] next = [random.Next(2), random.Next(2)];
                    var last = chain.Count == 0 ? cache.Root : chain[^1];
                    var page = cache.Find(last, next);
                    if (page is null)
                    {
                        if (cache.Take() is not { } free) break;
                        page = cache.Keep(last, next, free);
                    }
                    chain.Add(page);
                    tokens.Add(next);
                }
                chains.Add((chain, tokens));
            }
            else if (chains.Count > 0)
            {
                var index = random.Next(chains.Count);
                cache.Release(chains[index].Chain);
                chains.RemoveAt(index);
            }
            var used = chains.SelectMany(chain => chain.Chain).Distinct().ToList();
            Assert.Equal(used.Count, used.Select(page => page.Page).Distinct().Count());
            Assert.Equal(used.Count, cache.InUse);
            // Equal beginnings have the same page.
            foreach (var group in chains.SelectMany(chain => chain.Chain.Select((page, i) =>
                (Key: string.Join(",", chain.Tokens.Take(i + 1).SelectMany(t => t)), page))).GroupBy(pair => pair.Key))
                Assert.Single(group.Select(pair => pair.page).Distinct());
        }
        foreach (var (chain, _) in chains) cache.Release(chain);
        Assert.Equal((12, 0), (cache.Available, cache.InUse));
        Assert.Equal(Enumerable.Range(0, 12), Enumerable.Range(0, 12).Select(_ => cache.Take()!.Value).Order());
        Assert.Null(cache.Take());
    }

    [Fact]
    public void A_page_that_another_one_follows_is_given_up_after_it()
    {
        var cache = new PageCache(2, 1);
        var first = cache.Keep(cache.Root, [1], cache.Take()!.Value);
        var second = cache.Keep(first, [2], cache.Take()!.Value);
        Assert.Null(cache.Take());
        cache.Release([first, second]);
        Assert.Equal(second.Page, cache.Take());
        Assert.NotNull(cache.Find(cache.Root, [1]));
        Assert.Null(cache.Find(first, [2]));
        Assert.Null(cache.Take());
    }

    [Fact]
    public void A_page_with_the_tokens_of_another_is_free()
    {
        var cache = new PageCache(2, 1);
        var first = cache.Keep(cache.Root, [1], cache.Take()!.Value);
        Assert.Same(first, cache.Keep(cache.Root, [1], cache.Take()!.Value));
        Assert.Equal((1, 1), (cache.InUse, cache.Available));
    }
}
