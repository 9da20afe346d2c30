using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Network;
using Tulu2.Models.Families;
using Tulu2.Runs.Launch;
using Tulu2.Tests.Files.Certificates;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>Real connections between ranks by mutual TLS: the calls are the same, nobody reads them, and whoever has no certificate of the cluster is refused.</summary>
public sealed class TlsTests : IDisposable
{
    private static readonly TimeSpan Deadline = Ranks.Deadline;

    private readonly TestCluster _cluster = new();

    [Property(MaxTest = 10)]
    public void Every_call_has_the_bits_that_it_has_between_threads(int seed)
    {
        var identity = _cluster.Peer("node");
        foreach (var transport in new[] { Transport.Tcp, Transport.Auto }) SameBitsTests.HasSameBits(seed, transport, identity);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_of_a_tensor_is_seen_on_the_way(bool secure)
    {
        using var first = Plane(secure ? _cluster.Peer("one") : null);
        using var second = Plane(secure ? _cluster.Peer("two") : null);
        using var relay = new Relay(first.Endpoint);
        byte[] payload = [.. Enumerable.Range(0, 300_000).Select(index => (byte)(index % 251))];
        string[] endpoints = [first.Endpoint, second.Endpoint];
        using var one = first.Join(1, 0, endpoints);
        using var other = second.Join(1, 1, [relay.Endpoint, second.Endpoint]);
        var gathered = await Task.WhenAll(new[] { one, other }.Select(rank => Task.Factory.StartNew(() => rank.AllGather(payload, Deadline), TaskCreationOptions.LongRunning))).WaitAsync(Deadline);
        Assert.All(gathered, all => Assert.All(all, part => Assert.True(payload.AsSpan().SequenceEqual(part))));
        var seen = relay.Seen;
        Assert.InRange(seen.Length, 2 * payload.Length, 3 * payload.Length);
        Assert.Equal(!secure, seen.AsSpan().IndexOf(payload.AsSpan(0, 64)) >= 0);
    }

    [Fact]
    public async Task Keys_may_encrypt_as_much_as_a_generation_sends()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        var accepting = listener.AcceptSocketAsync();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var accepted = await accepting;
        var (one, two) = (_cluster.Peer("one"), _cluster.Peer("two"));
        var listening = TlsHandshake.BeginAsync(accepted, one, listens: true, CancellationToken.None);
        var (secure, _) = await TlsHandshake.BeginAsync(client.Client, two, listens: false, CancellationToken.None).WaitAsync(Deadline);
        await listening.WaitAsync(Deadline);
        Assert.True(secure.IsMutuallyAuthenticated);
        Assert.Equal((SslProtocols.Tls13, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256), (secure.SslProtocol, secure.NegotiatedCipherSuite));
    }

    [Fact]
    public void A_rank_without_a_certificate_of_the_cluster_does_not_come_in_although_it_knows_the_key()
    {
        using var theirs = new TestCluster();
        foreach (var (stranger, reason) in new (PeerIdentity?, string)[]
        {
            (null, "does not begin with TLS"),
            (theirs.Peer("two"), "a certificate of another authority"),
        })
        {
            var log = new ConcurrentQueue<string>();
            using var ours = Plane(_cluster.Peer("one"), log.Enqueue);
            using var plane = Plane(stranger);
            MeetInVain(ours, plane);
            Assert.True(ours.Counters.Refused(Refusal.WrongCertificate) > 0);
            Assert.Equal(0, ours.Counters.Accepted);
            Assert.Contains(log, line => line.Contains(reason, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_rank_does_not_send_to_a_listener_without_a_certificate_of_the_cluster()
    {
        using var theirs = new TestCluster();
        foreach (var stranger in new[] { null, theirs.Peer("one") })
        {
            var log = new ConcurrentQueue<string>();
            using var plane = Plane(stranger);
            using var ours = Plane(_cluster.Peer("two"), log.Enqueue);
            MeetInVain(plane, ours);
            Assert.Equal(0, plane.Counters.Accepted);
            Assert.Contains(log, line => line.Contains(stranger is null ? "has no TLS" : "a certificate of another authority", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_node_whose_line_is_removed_is_refused_at_its_next_connection()
    {
        using var first = Plane(_cluster.Peer("one"));
        using var second = Plane(_cluster.Peer("two"));
        string[] endpoints = [first.Endpoint, second.Endpoint];
        Ranks.Run([first, second], 1, collective => collective.AllGather(new byte[8], Deadline));
        var before = first.Counters.Accepted;
        _cluster.Folder.Remove("two");
        MeetInVain(first, second, generation: 2);
        Assert.True(first.Counters.Refused(Refusal.WrongCertificate) > 0);
        Assert.Equal(before, first.Counters.Accepted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rank_that_is_gone_or_sends_what_is_no_TLS_ends_the_calls_of_its_peers(bool dies)
    {
        using var plane = Plane(_cluster.Peer("one"));
        using var collective = plane.Join(1, 0, [plane.Endpoint, plane.Endpoint]);
        using var peer = new FakePeer(plane.Endpoint, Ranks.Key, _cluster.Peer("two"));
        var waiting = Task.Factory.StartNew(() => Assert.ThrowsAny<CollectiveAbortedException>(() => collective.AllGather(new byte[8], Deadline)), TaskCreationOptions.LongRunning);
        await peer.ConnectAsync(FakePeer.Control(1, 2, 1, 0));
        var (socket, _) = await peer.ConnectAsync(FakePeer.Calls(1, 1, 0, 0, 1));
        if (dies) peer.Die();
        else socket.Send(new byte[4096]);
        await waiting.WaitAsync(Deadline);
    }

    [Fact]
    public void A_worker_opens_its_data_plane_with_the_certificates_of_its_node()
    {
        WorkerStart Start(string node) => new()
        {
            Recipe = new Recipe { Parallel = new() { Transport = RankTransport.Tcp } },
            Model = ModelPresets.Get("demo"),
            VirtualShards = 4,
            Parallel = new ParallelLayout(1),
            CheckpointDirectory = "checkpoints",
            Batches = new BatchFacts(1, [1], [1], [1], []),
            Key = Ranks.Key,
            ListenAddress = IPAddress.Loopback.ToString(),
            Identity = _cluster.FilesOf(node),
        };
        using var first = new NetworkDataPlane(WorkerEntry.OptionsOf(Start("one")));
        using var second = new NetworkDataPlane(WorkerEntry.OptionsOf(Start("two")));
        Assert.All(Ranks.Run([first, second], 1, collective => collective.AllGather(new byte[3], Deadline)), all => Assert.Equal(2, all.Length));
        using var plain = Plane(null);
        MeetInVain(first, plain, generation: 2);
        Assert.True(first.Counters.Refused(Refusal.WrongCertificate) > 0);
    }

    public void Dispose() => _cluster.Dispose();

    private static NetworkDataPlane Plane(PeerIdentity? identity, Action<string>? log = null) => new(new NetworkDataPlaneOptions
    {
        Key = Ranks.Key,
        Transport = Transport.Tcp,
        Identity = identity,
        Log = log,
        ConnectDeadline = TimeSpan.FromSeconds(2),
    });

    private static void MeetInVain(NetworkDataPlane first, NetworkDataPlane second, long generation = 1)
    {
        var errors = Assert.Throws<AggregateException>(() => Ranks.Run([first, second], generation, collective => collective.AllGather(new byte[8], TimeSpan.FromSeconds(3))));
        Assert.All(errors.InnerExceptions, error => Assert.True(error is TimeoutException or CollectiveAbortedException, $"{error}"));
    }

    /// <summary>Passes bytes on between a rank that connects and one that listens, and keeps them.</summary>
    private sealed class Relay : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Endpoint _to;
        private readonly MemoryStream _seen = new();

        public Relay(string to)
        {
            _to = Tulu2.Collectives.Network.Endpoint.Parse(to);
            _listener.Start();
            _ = AcceptAsync();
        }

        public string Endpoint => (_to with { Port = ((IPEndPoint)_listener.LocalEndpoint).Port }).ToString();

        public byte[] Seen
        {
            get { lock (_seen) return _seen.ToArray(); }
        }

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    var from = await _listener.AcceptTcpClientAsync();
                    var to = new TcpClient();
                    await to.ConnectAsync(_to.Host, _to.Port);
                    _ = PassOnAsync(from, to);
                    _ = PassOnAsync(to, from);
                }
            }
            catch (Exception over) when (over is SocketException or ObjectDisposedException)
            {
            }
        }

        private async Task PassOnAsync(TcpClient from, TcpClient to)
        {
            var bytes = new byte[1 << 16];
            try
            {
                while (await from.GetStream().ReadAsync(bytes) is > 0 and var count)
                {
                    lock (_seen) _seen.Write(bytes, 0, count);
                    await to.GetStream().WriteAsync(bytes.AsMemory(0, count));
                }
            }
            catch (Exception over) when (over is IOException or InvalidOperationException)
            {
            }
            finally
            {
                to.Close();
            }
        }
    }
}
