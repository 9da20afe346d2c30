using System.Collections.Concurrent;
using Tulu2.Cli.Commands;
using Tulu2.Cluster.Clients;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Submissions;
using Tulu2.Files;
using Tulu2.Protocol.Outcomes;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>A node of its own and clients of it, over real connections within this process; what it runs is a fake.</summary>
public sealed class SubmissionSpec : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeService _service = new();
    private readonly ConcurrentQueue<string> _printed = new();
    private ActorHost _host = null!;

    public async Task InitializeAsync() =>
        _host = await ActorHost.StartAsync(new NodeSettings("node.conf", "akka.cluster.roles = [coordinator]") { Service = _service }, CancellationToken.None).WaitAsync(Patience);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_submitter_is_no_member_and_hears_its_run_to_the_end()
    {
        await using var client = Client();
        var end = SubmitAsync(client, "17", "/runs/one", CancellationToken.None);
        await _service.BegunAsync("/runs/one");
        for (var line = 1; line <= 100; line++) _service.Say($"line {line}");
        var view = (await client.LookAsync(Patience, null, CancellationToken.None))!;
        Assert.Equal(_host.Address, Assert.Single(view.Nodes).Address);
        Assert.Equal("coordinator", Assert.Single(view.Nodes[0].Roles));
        Assert.Equal(_host.Address, view.Coordinator);
        Assert.Equal(("17", "title", "/runs/one", "preparing", null), (view.Current!.Id, view.Current.Title, view.Current.Directory, view.Current.State, view.Current.ExitCode));
        _service.End(5);
        Assert.Equal(new SubmissionEnd.Over(5), await end.WaitAsync(Patience));
        Assert.Equal(Enumerable.Range(1, 100).Select(line => $"line {line}"), _printed);
        view = (await client.LookAsync(Patience, null, CancellationToken.None))!;
        Assert.Null(view.Current);
        Assert.Equal(("failed", 5), (view.Last!.State, view.Last.ExitCode));
    }

    [Fact]
    public async Task Submitting_the_current_run_again_follows_it_and_another_one_is_refused()
    {
        await using var client = Client();
        var first = SubmitAsync(client, "17", "/runs/one", CancellationToken.None);
        await _service.BegunAsync("/runs/one");
        await using var second = Client();
        Assert.Equal(new SubmissionEnd.Over(2), await SubmitAsync(second, "18", "/runs/two", CancellationToken.None).WaitAsync(Patience));
        Assert.Contains(_printed, line => line.Contains("executing another run: /runs/one", StringComparison.Ordinal));
        var follows = new TaskCompletionSource();
        var again = SubmitAsync(second, "19", "/runs/one", CancellationToken.None, () => follows.TrySetResult());
        await follows.Task.WaitAsync(Patience);
        _service.End(0);
        Assert.Equal(new SubmissionEnd.Over(0), await first.WaitAsync(Patience));
        Assert.Equal(new SubmissionEnd.Over(0), await again.WaitAsync(Patience));
        Assert.Equal(1, _service.Begun);
        // One that was away for the end.
        Assert.Equal(new SubmissionEnd.Over(0), await SubmitAsync(second, "17", "/runs/one", CancellationToken.None).WaitAsync(Patience));
    }

    [Fact]
    public async Task A_run_whose_submitter_is_gone_is_ended_from_outside()
    {
        await using (var gone = Client())
        {
            _ = SubmitAsync(gone, "17", "/runs/one", CancellationToken.None);
            await _service.BegunAsync("/runs/one");
        }
        await using var client = Client();
        var run = CancelCommand.RunOf((await client.LookAsync(Patience, null, CancellationToken.None))!, "/runs/one/", "x.conf");
        await client.LookAsync(Patience, run.Id, CancellationToken.None);
        await _service.Cancelled.Task.WaitAsync(Patience);
        _service.End(1);
        ClusterView view;
        do view = (await client.LookAsync(Patience, null, CancellationToken.None))!;
        while (view.Current is not null);
        Assert.Equal("stopped", view.Last!.State);
        Assert.Contains("no current run", Assert.Throws<BadInputException>(() => CancelCommand.RunOf(view, null, "x.conf")).What);
    }

    [Fact]
    public async Task A_run_is_scaled_from_outside_and_what_cannot_be_is_said()
    {
        await using var client = Client();
        var end = SubmitAsync(client, "17", "/runs/one", CancellationToken.None);
        await _service.BegunAsync("/runs/one");
        Assert.True(await client.ScaleAsync(Patience, "17", 3, CancellationToken.None));
        Assert.Contains(("/runs/one", 3), _service.Scaled);
        var refused = await Assert.ThrowsAsync<BadInputException>(() => client.ScaleAsync(Patience, "17", 5, CancellationToken.None));
        Assert.Equal(("--data", "is too many"), (refused.Where, refused.What));
        Assert.False(await client.ScaleAsync(TimeSpan.FromSeconds(1), "another", 3, CancellationToken.None));
        _service.End(0);
        await end.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_signal_ends_a_submitter_whose_run_needs_longer_to_end()
    {
        await using var client = Client();
        using var signal = new CancellationTokenSource();
        var end = SubmitAsync(client, "17", "/runs/one", signal.Token);
        await _service.BegunAsync("/runs/one");
        await signal.CancelAsync();
        await _service.Cancelled.Task.WaitAsync(Patience);
        Assert.IsType<SubmissionEnd.StillEnding>(await end.WaitAsync(Patience));
        _service.End(1);
    }

    [Fact]
    public async Task A_signal_ends_a_submitter_that_nobody_answers()
    {
        await using var client = Client("akka.tcp://tulu2@127.0.0.1:1");
        using var signal = new CancellationTokenSource();
        var end = SubmitAsync(client, "17", "/runs/one", signal.Token);
        await signal.CancelAsync();
        Assert.IsType<SubmissionEnd.NeverTaken>(await end.WaitAsync(Patience));
        Assert.Null(await client.LookAsync(TimeSpan.FromSeconds(1), null, CancellationToken.None));
        var (words, listens) = await client.WhyAsync(CancellationToken.None);
        Assert.Equal(("no node of the cluster answers: akka.tcp://tulu2@127.0.0.1:1 (nothing listens there)", false), (words, listens));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("title", true)]
    [InlineData("/runs/one", true)]
    [InlineData("/runs/two", false)]
    public void A_run_is_meant_by_its_directory_or_name(string? meant, bool isMeant)
    {
        var run = new RunView("17", "title", "/runs/one", "training", 3, 10, 1, 2, 0, null);
        var view = new ClusterView([], "akka.tcp://tulu2@a:1", run, null);
        if (isMeant) Assert.Equal(run, CancelCommand.RunOf(view, meant, "x.conf"));
        else Assert.Contains("current run is another one: /runs/one", Assert.Throws<BadInputException>(() => CancelCommand.RunOf(view, meant, "x.conf")).What);
        Assert.Contains("no coordinator", Assert.Throws<BadInputException>(() => CancelCommand.RunOf(view with { Coordinator = null }, meant, "x.conf")).What);
    }

    [Fact]
    public async Task Nobody_waits_for_actors_of_a_system_that_has_ended()
    {
        var host = await ActorHost.StartAsync().WaitAsync(Patience);
        var waiting = host.UnlessTerminatedAsync(new TaskCompletionSource<int>().Task);
        await host.DisposeAsync();
        await Assert.ThrowsAsync<RunFailedException>(() => waiting.WaitAsync(Patience));
    }

    private ClusterClient Client(string? seed = null) => ClusterClient.Start(new NodeSettings("client.conf", $"akka.cluster.seed-nodes = [\"{seed ?? _host.Address}\"]"));

    private Task<SubmissionEnd> SubmitAsync(ClusterClient client, string id, string directory, CancellationToken signal, Action? taken = null) => Submitter.RunAsync(
        client, new Submission(id, "title", $"{directory}/submitted.yaml", directory, false), (_, line) => _printed.Enqueue(line), taken ?? (() => { }), signal);

    private sealed class FakeService : IRunService
    {
        private readonly TaskCompletionSource<int> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<string> _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Action<bool, string>? _say;
        private int _count;

        public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Begun => _count;

        public async Task BegunAsync(string directory) => Assert.Equal(directory, await _begun.Task.WaitAsync(Patience));

        public void Say(string line) => _say!(false, line);

        public void End(int code) => _end.TrySetResult(code);

        public void Scale(Submission submission, int data)
        {
            if (data > 4) throw new BadInputException("--data", "is too many", "use 4 at most");
            Scaled.Enqueue((submission.RunDirectory, data));
        }

        public ConcurrentQueue<(string Directory, int Data)> Scaled { get; } = new();

        public Task<int> RunAsync(Submission submission, Action<bool, string> say, CancellationToken cancellation)
        {
            _say = say;
            Interlocked.Increment(ref _count);
            cancellation.Register(() => Cancelled.TrySetResult());
            _begun.TrySetResult(submission.RunDirectory);
            return _end.Task;
        }
    }
}
