using System.Collections.Concurrent;
using System.Net;
using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Processes;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Shards;
using Tulu2.Evaluation.Workers;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Inference;
using Tulu2.Tests.Models.Decoder;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

/// <summary>An engine over a model in shards, each on a thread in the place of a process, over the real data plane.</summary>
public sealed class ShardedEngineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Answers_are_those_of_the_whole_model_even_where_shards_are_killed()
    {
        var config = TinyModel.Config() with { InitializerRange = 0.12, MaxPositions = 128 };
        var settings = new EngineSettings { PrefillChunk = 20, MaxRunning = 6 };
        EngineRequest[] requests = [.. Enumerable.Range(1, 12).Select(i => new EngineRequest(
            [.. Enumerable.Range(0, 3 * i).Select(at => (7 * at + i) % 128)], new GenerationOptions { MaxTokens = 40, Temperature = i % 2, Seed = i }) { Top = 1 })];
        using var whole = InferenceModel.Random(config, 5, InferenceForm.Brain);
        var expected = await AnswersAsync(whole, null, () => { });

        using var first = InferenceModel.Random(config, 5, InferenceForm.Brain, new InferenceShard(0, 3));
        var shards = new ThreadShards(config);
        var (random, tokens) = (new Random(1), 0);
        var team = ShardTeam.Start(new ShardOrder("", InferencePrecision.Stored, 3) { Content = "" }, shards);
        using (team)
        {
            var actual = await AnswersAsync(first, team, () =>
            {
                if (++tokens % 60 == 30) shards.Kill(random.Next(2));
            });
            Assert.Equal(expected, actual);
        }
        Assert.True(shards.Said.Count >= 5, $"{shards.Said.Count} shards were lost");
        Assert.All(shards.Said, line => Assert.Contains("shard", line, StringComparison.Ordinal));
        Assert.True(shards.AllEnded(Patience), "threads are left");

        async Task<string[]> AnswersAsync(InferenceModel model, ShardTeam? team, Action each)
        {
            using var engine = new GenerationEngine(new LlamaEngineModel(model, settings, team), new HashSet<int> { 2 }, () => new FakeText(), settings);
            var results = await Task.WhenAll(requests.Select(request => engine.SubmitAsync(request with { OnToken = _ => each() }))).WaitAsync(Patience);
            return [.. results.Select(result => string.Join(' ', result.Samples[0].Ids.Select(id => $"{id}")) + string.Join(' ', result.Samples[0].Scores.Select(score => $"{score.LogProbability:R}")))];
        }
    }

    [Fact]
    public async Task A_server_with_another_key_is_no_server()
    {
        using var stop = new CancellationTokenSource();
        var said = new ConcurrentQueue<string>();
        var port = FreePort();
        var serving = Task.Run(() => new ShardServer(new IPEndPoint(IPAddress.Loopback, port), new byte[16], said.Enqueue).Run(stop.Token));
        IShardHosting hosting = new RemoteShards([new ShardAddress("127.0.0.1", port)], [.. Enumerable.Repeat((byte)1, 16)]) { Patience = TimeSpan.FromSeconds(1), IsOfCommand = true };
        using (var shard = hosting.Start(new ShardOrder("", InferencePrecision.Stored, 2) { Content = "" }, 1))
        {
            var error = await Assert.ThrowsAsync<BadInputException>(() => shard.Loaded.WaitAsync(Patience));
            Assert.StartsWith($"127.0.0.1:{port}: no shard server answers", error.Message, StringComparison.Ordinal);
            Assert.True(shard.Gone.IsCompleted);
        }
        // One that was there is lost, and whoever needs it tries again.
        using (var shard = hosting.Start(new ShardOrder("", InferencePrecision.Stored, 2) { Content = "" }, 1))
            await Assert.ThrowsAsync<EvaluatorProcessException>(() => shard.Loaded.WaitAsync(Patience));
        Assert.Empty(said);
        await stop.CancelAsync();
        await serving.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_server_says_what_is_wrong_and_waits_for_the_next_user()
    {
        using var stop = new CancellationTokenSource();
        var said = new ConcurrentQueue<string>();
        var (port, key) = (FreePort(), new byte[16]);
        var serving = Task.Run(() => new ShardServer(new IPEndPoint(IPAddress.Loopback, port), key, said.Enqueue).Run(stop.Token));
        IShardHosting hosting = new RemoteShards([new ShardAddress("127.0.0.1", port)], key);
        for (var user = 0; user < 2; user++)
        {
            using var shard = hosting.Start(new ShardOrder("/no/such/model", InferencePrecision.Stored, 2) { Content = "" }, 1);
            Assert.StartsWith("tcp://127.0.0.1:", await shard.Endpoint.WaitAsync(Patience), StringComparison.Ordinal);
            Assert.Equal("/no/such/model", (await Assert.ThrowsAsync<BadInputException>(() => shard.Loaded.WaitAsync(Patience))).Where);
            Assert.True(shard.Gone.IsCompleted);
        }
        // Of another program, and in words that are none.
        using (var plane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = key }))
        using (var control = plane.Join(RemoteShards.Generation, 1, [$"tcp://127.0.0.1:{port}", plane.Endpoint]))
        {
            control.AllGather(new byte[] { 9, 9, 9 }, Patience);
            Assert.Throws<CollectiveAbortedException>(() => control.AllGather(ReadOnlyMemory<byte>.Empty, Patience));
        }
        using (var plane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = key }))
        using (var control = plane.Join(RemoteShards.Generation, 1, [$"tcp://127.0.0.1:{port}", plane.Endpoint]))
        {
            control.AllGather(ShardCodecs.Bytes(new ShardStart(new ShardOrder("", InferencePrecision.Stored, 2) { Content = "" }, 1, [], "127.0.0.1") { Version = "0.0" }), Patience);
            var failure = Assert.IsType<ShardReply.Failed>(ShardCodecs.Of<ShardReply>(control.AllGather(ReadOnlyMemory<byte>.Empty, Patience)[0])).Failure;
            Assert.Contains("0.0", failure.What, StringComparison.Ordinal);
        }
        await stop.CancelAsync();
        await serving.WaitAsync(Patience);
        Assert.Contains(said, line => line.StartsWith("the shard is given up", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("host")]
    [InlineData("host:0")]
    [InlineData("host:99999")]
    [InlineData("a@host:7")]
    [InlineData("host:7/x")]
    public void What_is_no_address_of_a_server_is_refused(string text) => Assert.Throws<BadInputException>(() => ShardAddress.Parse("--shard-server", text));

    [Fact]
    public void Addresses_are_read_as_they_are_written()
    {
        Assert.Equal(new ShardAddress("host.example", 7001), ShardAddress.Parse("x", "host.example:7001"));
        Assert.Equal("[::1]:7", ShardAddress.Parse("x", "[::1]:7").ToString());
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [Fact]
    public void Words_say_what_was_meant()
    {
        SequencePart[] parts = [new(new[] { 4, 5 }, 15, [3, 9]), new(new[] { 1 }, 0, [0])];
        var words = ShardWords.Run(parts);
        var read = ShardWords.PartsOf(words[1..]);
        Assert.Equal(parts.Select(part => (part.First, string.Join(',', part.Ids.ToArray()), string.Join(',', part.Pages))),
            read.Select(part => (part.First, string.Join(',', part.Ids.ToArray()), string.Join(',', part.Pages))));
    }

    /// <summary>Shards that are threads, and can be killed.</summary>
    private sealed class ThreadShards(ModelConfig config) : IShardHosting
    {
        private readonly List<ThreadShard> _all = [];

        public List<string> Said { get; } = [];

        public Action<string> Say => Said.Add;

        byte[] IShardHosting.Key { get; } = new byte[32];

        IPAddress IShardHosting.Listens => IPAddress.Loopback;

        IPAddress IShardHosting.AddressFor(int rank) => IPAddress.Loopback;

        IShard IShardHosting.Start(ShardOrder order, int rank)
        {
            var shard = new ThreadShard(config, new InferenceShard(rank, order.Count), ((IShardHosting)this).Key);
            lock (_all) _all.Add(shard);
            return shard;
        }

        public void Kill(int which)
        {
            lock (_all) _all.Where(shard => !shard.Gone.IsCompleted).ElementAtOrDefault(which)?.Kill();
        }

        public bool AllEnded(TimeSpan patience) => _all.TrueForAll(shard => shard.Join(patience));
    }

    private sealed class ThreadShard : IShard
    {
        private readonly NetworkDataPlane _plane;
        private readonly System.Collections.Concurrent.BlockingCollection<ShardGathering> _gatherings = [];
        private readonly TaskCompletionSource<string> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Thread _thread;
        private volatile ICollective? _collective;

        public ThreadShard(ModelConfig config, InferenceShard shard, byte[] key)
        {
            _plane = new NetworkDataPlane(new NetworkDataPlaneOptions { Key = key });
            _thread = new Thread(() =>
            {
                using var model = InferenceModel.Random(config, 5, InferenceForm.Brain, shard);
                foreach (var gathering in _gatherings.GetConsumingEnumerable())
                    ShardProcess.Follow(model, gathering, _collective = _plane.Join(gathering.Generation, shard.Rank, gathering.Endpoints), CancellationToken.None);
            });
            _thread.Start();
        }

        public Task<string> Endpoint => Task.FromResult(_plane.Endpoint);

        public Task Loaded => Task.CompletedTask;

        public Task<string> Gone => _gone.Task;

        public void Join(ShardGathering gathering) => _gatherings.Add(gathering);

        public bool Join(TimeSpan patience) => _thread.Join(patience);

        public void Kill()
        {
            _gatherings.CompleteAdding();
            _collective?.Abort("killed");
            _gone.TrySetResult("killed");
        }

        public void Dispose()
        {
            _gatherings.CompleteAdding();
            _thread.Join();
            _plane.Dispose();
        }
    }
}
