using Tulu2.Benchmarks;
using Tulu2.Serving.Settings;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.Tests.Serving;

/// <summary>What <c>Tulu2.Benchmarks serve-load</c> does for a minute with a model, in miniature.</summary>
public sealed class ServeLoadTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Many_clients_with_all_their_habits_get_right_answers_and_leave_nothing_behind()
    {
        var engine = new FakeEngine(ServedFake.Tokenizer) { Most = 48, BeforeToken = static async cancellation => await Task.Yield() };
        await using var served = await ServedFake.StartAsync(engine, new ServerSettings { MaxRequests = 56 });
        var load = new ServeLoad(served.Server.Url, ServedFake.Model, clients: 64, seed: 7) { MaxTokens = 24, SlowPause = TimeSpan.FromMilliseconds(2) };
        using var late = new CancellationTokenSource(ServedFake.Deadline);
        await load.RunAsync(rounds: 8, late.Token);
        output.WriteLine(load.Summary());
        Assert.Empty(load.Errors);
        Assert.True(load.Repeated > 100);
        await ServedFake.UntilAsync(() => engine.Running == 0, "all room is free");
        Assert.Empty(served.Faults);
    }
}
