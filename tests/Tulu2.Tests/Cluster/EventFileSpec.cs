using System.Text.Json;
using Akka.Actor;
using Tulu2.Cluster.Logging;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Logging never waits for the disk, and no line of a run is missing from its file.</summary>
public sealed class EventFileSpec : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ActorSystem _system = ActorSystem.Create("events");
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("tulu2-events-").FullName, "events.jsonl");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _system.Terminate();
        Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);
    }

    [Fact]
    public async Task Writing_does_not_wait_for_a_log_that_is_stuck()
    {
        var events = EventFile.For(_system);
        var open = new ManualResetEventSlim();
        events.Otherwise = _ => open.Wait();
        var writing = Task.Run(() =>
        {
            for (var line = 0; line < 10; line++) events.Write("info", "source", $"line {line}");
        });
        await writing.WaitAsync(Patience);
        open.Set();
        await _system.Terminate();
        await events.Completion.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_run_s_lines_are_all_in_its_file_in_order_once_it_is_detached()
    {
        var events = EventFile.For(_system);
        var others = new List<string>();
        events.Otherwise = others.Add;
        events.Write("info", "source", "before");
        events.Attach(_path);
        for (var line = 0; line < 100; line++) events.Write("info", "source", $"line {line}");
        await events.DetachAsync();
        events.Write("info", "source", "after");
        await _system.Terminate();
        await events.Completion.WaitAsync(Patience);
        Assert.Equal([.. Enumerable.Range(0, 100).Select(line => $"line {line}")], File.ReadLines(_path).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!));
        Assert.Equal(["info: before", "info: after"], others);
    }
}
