using System.Text.Json;
using FsCheck.Xunit;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

/// <summary>What requests share: rows, pages, and the computation of what they begin with.</summary>
public class EngineSharingTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private static GenerationEngine Engine(FakeEngineModel model, EngineSettings settings) =>
        new(model, new HashSet<int> { 0 }, () => new FakeText(), settings);

    // Never ends by itself.
    private static FakeEngineModel Endless(int context = 64, int pages = 600, ManualResetEventSlim? gate = null) =>
        new((_, id) => id, context, pages) { Gate = gate };

    private static async Task UntilAsync(Func<bool> condition)
    {
        var end = DateTime.UtcNow + Deadline;
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < end, "in time");
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Requests_of_one_prefix_compute_it_once_even_when_they_come_together()
    {
        var model = new FakeEngineModel(FakeEngineModel.Hashed);
        using var engine = Engine(model, new EngineSettings { PrefillChunk = 8 });
        int[] prefix = [.. Enumerable.Range(0, 40).Select(i => 1 + i % 27)];
        await Task.WhenAll(Enumerable.Range(1, 10).Select(i => engine.SubmitAsync(new([.. prefix, i, 1], GenerationOptions.Greedy with { MaxTokens = 1 }))));
        // Ten pages once, and two tokens for each.
        Assert.Equal(40 + 20, model.Computed);
        Assert.Equal((420, 360), (engine.Metrics.PromptTokens, engine.Metrics.CachedTokens));
        var again = await engine.SubmitAsync(new([.. prefix, 3, 1], GenerationOptions.Greedy with { MaxTokens = 1 }));
        Assert.Equal((42, 40), (again.PromptTokens, again.CachedTokens));
        Assert.Equal(62, model.Computed);
    }

    [Fact]
    public async Task A_dialogue_goes_on_where_its_last_answer_ended()
    {
        var model = Endless();
        using var engine = Engine(model, new EngineSettings());
        int[] prompt = [.. Enumerable.Range(1, 10)];
        var first = await engine.SubmitAsync(new(prompt, GenerationOptions.Greedy with { MaxTokens = 10 }));
        var second = await engine.SubmitAsync(new([.. prompt, .. first.Samples[0].Ids, 1, 2], GenerationOptions.Greedy with { MaxTokens = 1 }));
        // The last token of an answer was never computed: 19 tokens, 4 whole pages.
        Assert.Equal(16, second.CachedTokens);
    }

    [Fact]
    public async Task Samples_share_their_prompt()
    {
        var model = Endless();
        using var engine = Engine(model, new EngineSettings { PrefillChunk = 4 });
        var result = await engine.SubmitAsync(new([.. Enumerable.Range(1, 21)], new GenerationOptions { Count = 6, MaxTokens = 1, Seed = 1 }));
        Assert.Equal(6, result.Samples.Count);
        Assert.Equal(20 + 6, model.Computed);
    }

    [Fact]
    public async Task The_page_that_was_used_longest_ago_is_given_up()
    {
        var model = new FakeEngineModel(FakeEngineModel.Hashed, context: 24, pages: 6);
        using var engine = Engine(model, new EngineSettings());
        async Task<int> CachedAsync(int first) =>
            (await engine.SubmitAsync(new([first, 2, 3, 4, 5, 6, 7, 8, 9], GenerationOptions.Greedy with { MaxTokens = 1 }))).CachedTokens;
        Assert.Equal(0, await CachedAsync(1));
        Assert.Equal(0, await CachedAsync(2));
        Assert.Equal(8, await CachedAsync(1));
        // Three pages, of which two are free: the third is the last one of the second prompt.
        Assert.Equal(0, await CachedAsync(3));
        Assert.Equal(8, await CachedAsync(1));
        Assert.Equal(4, await CachedAsync(2));
        Assert.Equal((24, 0), (engine.Metrics.CacheCapacity, engine.Metrics.CacheInUse));
    }

    [Fact]
    public async Task Rows_join_and_leave_between_steps()
    {
        var model = new FakeEngineModel((history, id) => id == (history.Count >= history[0] ? 0 : 5) ? 1 : 0) { Gate = new ManualResetEventSlim() };
        using var engine = Engine(model, new EngineSettings { MaxRunning = 2 });
        var tasks = new[] { 3, 6, 4 }.Select(length => engine.SubmitAsync(new([length], GenerationOptions.Greedy))).ToArray();
        model.Gate!.Set();
        var results = await Task.WhenAll(tasks);
        Assert.Equal([2, 5, 3], results.Select(result => result.Samples[0].Ids.Count));
        Assert.All(model.Rows, rows => Assert.InRange(rows, 1, 2));
        // 3 + 6 + 4 rows in all: none is computed for an answer that has ended.
        Assert.Equal(13, model.Computed);
    }

    [Fact]
    public async Task A_request_that_is_cancelled_frees_its_room_for_the_next()
    {
        var model = Endless(context: 100000, pages: 25000);
        using var engine = Engine(model, new EngineSettings { MaxRunning = 1 });
        using var source = new CancellationTokenSource();
        var told = 0;
        var first = engine.SubmitAsync(new([1], GenerationOptions.Greedy with { MaxTokens = 90000 }) { OnToken = _ => Interlocked.Increment(ref told) },
            source.Token);
        var second = engine.SubmitAsync(new([2], GenerationOptions.Greedy with { MaxTokens = 2 }));
        await UntilAsync(() => Volatile.Read(ref told) > 3);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(2, (await second.WaitAsync(Deadline)).Samples[0].Ids.Count);
        await UntilAsync(() => engine.Metrics is { Running: 0, Waiting: 0, CacheInUse: 0 });
        var after = Volatile.Read(ref told);
        await engine.SubmitAsync(new([3], GenerationOptions.Greedy with { MaxTokens = 2 }));
        Assert.Equal(after, Volatile.Read(ref told));
    }

    [Fact]
    public async Task A_request_that_waits_can_be_cancelled()
    {
        using var gate = new ManualResetEventSlim();
        using var engine = Engine(Endless(gate: gate), new EngineSettings { MaxRunning = 1 });
        using var source = new CancellationTokenSource();
        var first = engine.SubmitAsync(new([1], GenerationOptions.Greedy with { MaxTokens = 2 }));
        var second = engine.SubmitAsync(new([2], GenerationOptions.Greedy with { MaxTokens = 2 }), source.Token);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.WaitAsync(Deadline));
        gate.Set();
        await first;
        await UntilAsync(() => engine.Metrics is { Running: 0, Waiting: 0 });
    }

    [Fact]
    public async Task A_prompt_is_computed_in_chunks_while_answers_go_on()
    {
        var model = Endless(context: 200);
        using var engine = Engine(model, new EngineSettings { PrefillChunk = 10 });
        var gate = new TaskCompletionSource();
        var first = engine.SubmitAsync(new([1], GenerationOptions.Greedy with { MaxTokens = 150 }) { OnToken = _ => gate.TrySetResult() });
        await gate.Task.WaitAsync(Deadline);
        var second = await engine.SubmitAsync(new([.. Enumerable.Range(0, 45).Select(i => 1 + i % 20)], GenerationOptions.Greedy with { MaxTokens = 1 }));
        await first;
        Assert.Single(second.Samples[0].Ids);
        Assert.All(model.Rows, rows => Assert.InRange(rows, 1, 11));
    }

    [Fact]
    public async Task What_does_not_fit_waits_and_memory_never_grows()
    {
        // Each needs 14 tokens, four pages, and there are nine.
        var model = new FakeEngineModel(FakeEngineModel.Hashed, context: 36, pages: 9);
        using var engine = Engine(model, new EngineSettings { ReusePrefixes = false });
        var results = await Task.WhenAll(Enumerable.Range(1, 20).Select(i =>
            engine.SubmitAsync(new([i, 1, 2, 3, 4], new GenerationOptions { Temperature = 0, MaxTokens = 9 })))).WaitAsync(Deadline);
        Assert.Equal(20, results.Length);
        Assert.Equal((0, 0), (engine.Metrics.CacheInUse, engine.Metrics.CacheKept));
    }

    [Fact]
    public async Task One_more_than_may_wait_is_refused()
    {
        using var gate = new ManualResetEventSlim();
        using var engine = Engine(Endless(gate: gate), new EngineSettings { MaxRunning = 1, MaxWaiting = 2 });
        var request = new EngineRequest([1], GenerationOptions.Greedy with { MaxTokens = 1 });
        var first = engine.SubmitAsync(request);
        await UntilAsync(() => engine.Metrics.Waiting == 0);
        var taken = new[] { engine.SubmitAsync(request), engine.SubmitAsync(request) };
        Assert.Equal(2, Assert.Throws<EngineBusyException>(() => { _ = engine.SubmitAsync(request); }).Waiting);
        gate.Set();
        await Task.WhenAll([first, .. taken]);
        await engine.SubmitAsync(request);
    }

    [Fact]
    public async Task A_callback_that_throws_fails_its_own_request_only()
    {
        using var engine = Engine(Endless(), new EngineSettings());
        var bad = engine.SubmitAsync(new([1], GenerationOptions.Greedy with { MaxTokens = 5 }) { OnToken = _ => throw new IOException("gone") });
        var good = engine.SubmitAsync(new([2], GenerationOptions.Greedy with { MaxTokens = 5 }));
        Assert.Equal("gone", (await Assert.ThrowsAsync<IOException>(() => bad)).Message);
        Assert.Equal(5, (await good).Samples[0].Ids.Count);
    }

    [Fact]
    public async Task A_fault_of_the_model_fails_what_runs_and_the_engine_goes_on()
    {
        var model = Endless();
        using var engine = Engine(model, new EngineSettings());
        model.OnRun = () => throw new InvalidOperationException("broken");
        await Assert.ThrowsAsync<InvalidOperationException>(() => engine.SubmitAsync(new([1], GenerationOptions.Greedy)));
        model.OnRun = null;
        Assert.Equal(2, (await engine.SubmitAsync(new([1], GenerationOptions.Greedy with { MaxTokens = 2 }))).Samples[0].Ids.Count);
    }

    [Property(MaxTest = 60)]
    public bool Results_are_the_same_where_the_model_is_lost_at_times_and_pages_are_few(int seed)
    {
        var random = new Random(seed);
        EngineRequest[] requests =
        [
            .. Enumerable.Range(0, 8).Select(i => new EngineRequest(
                [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(1, 28))],
                new GenerationOptions { Seed = i, Temperature = random.Next(2), MaxTokens = random.Next(1, 20), Count = random.Next(1, 3) })
                { Top = 2, PromptLogProbabilities = random.Next(3) == 0 }),
        ];
        // More rows with logits than are taken at a time, so that some are lost between.
        int[][] scored = [.. Enumerable.Range(0, 4).Select(_ => (int[])[.. Enumerable.Range(0, random.Next(2, 60)).Select(_ => random.Next(1, 28))])];
        // With a whole step between, which is three calls at most, and not so often that nothing gets done.
        var (calls, next, left, draw) = (0, 1, 20, new Random(seed));
        using var disturbed = Engine(new FakeEngineModel(FakeEngineModel.Hashed, pages: 16 + random.Next(40))
        {
            IsLost = () =>
            {
                if (++calls != next || left-- == 0) return false;
                next += draw.Next(6, 30);
                return true;
            },
        }, new EngineSettings { MaxRunning = random.Next(1, 10), PrefillChunk = random.Next(1, 90), ReusePrefixes = random.Next(2) == 0 });
        using var quiet = Engine(new FakeEngineModel(FakeEngineModel.Hashed), new EngineSettings { MaxRunning = 1, ReusePrefixes = false });
        return Results(disturbed) == Results(quiet);

        string Results(GenerationEngine engine)
        {
            var samples = requests.Select(request => engine.SubmitAsync(request)).ToArray();
            var scores = scored.Select(ids => engine.ScoreAsync(ids[..1], [ids[1..]])).ToArray();
            return JsonSerializer.Serialize(new
            {
                Samples = samples.Select(task => task.WaitAsync(Deadline).GetAwaiter().GetResult() with { CachedTokens = 0 }),
                Scores = scores.Select(task => task.WaitAsync(Deadline).GetAwaiter().GetResult()),
            });
        }
    }

    [Fact]
    public async Task A_model_that_is_lost_again_and_again_fails_what_runs_and_the_engine_goes_on()
    {
        var isLost = true;
        using var engine = Engine(new FakeEngineModel((_, id) => id) { IsLost = () => isLost }, new EngineSettings());
        await Assert.ThrowsAsync<ModelLostException>(() => engine.SubmitAsync(new([1], GenerationOptions.Greedy)).WaitAsync(Deadline));
        isLost = false;
        Assert.Equal(2, (await engine.SubmitAsync(new([1], GenerationOptions.Greedy with { MaxTokens = 2 }))).Samples[0].Ids.Count);
    }

    [Fact]
    public async Task What_a_lost_model_had_computed_is_not_taken_over_after_the_last_try()
    {
        // Each run succeeds and fills pages; the logits after it are lost, until the request fails.
        var lost = 0;
        var calls = 0;
        using var engine = Engine(new FakeEngineModel(FakeEngineModel.Hashed) { IsLost = () => lost < 4 && ++calls % 2 == 0 && ++lost > 0 }, new EngineSettings());
        int[] prompt = [.. Enumerable.Range(1, 20)];
        await Assert.ThrowsAsync<ModelLostException>(() => engine.SubmitAsync(new(prompt, GenerationOptions.Greedy with { MaxTokens = 4 })).WaitAsync(Deadline));
        var again = await engine.SubmitAsync(new(prompt, GenerationOptions.Greedy with { MaxTokens = 4 })).WaitAsync(Deadline);
        using var whole = Engine(new FakeEngineModel(FakeEngineModel.Hashed), new EngineSettings());
        var expected = await whole.SubmitAsync(new(prompt, GenerationOptions.Greedy with { MaxTokens = 4 }));
        Assert.Equal((expected.Samples[0].Text, 0), (again.Samples[0].Text, again.CachedTokens));
    }

    [Fact]
    public async Task An_engine_that_ends_leaves_nobody_waiting()
    {
        var model = Endless(context: 100000, pages: 25000);
        var engine = Engine(model, new EngineSettings { MaxRunning = 1 });
        var tasks = Enumerable.Range(0, 3).Select(_ => engine.SubmitAsync(new([1], GenerationOptions.Greedy))).ToArray();
        engine.Dispose();
        foreach (var task in tasks) await Assert.ThrowsAsync<ObjectDisposedException>(() => task.WaitAsync(Deadline));
        Assert.True(model.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => { _ = engine.SubmitAsync(new([1], GenerationOptions.Greedy)); });
        engine.Dispose();
    }
}
