using System.Runtime.InteropServices;
using Tulu2.Cli;
using Tulu2.Cli.Shell;
using Tulu2.Cluster.Ledger;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

public sealed class InterruptTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly List<int> _ends = [];
    private readonly Interrupt _interrupt;

    public InterruptTests() => _interrupt = new Interrupt(_time, _ends.Add);

    public void Dispose() => _interrupt.Dispose();

    [Theory]
    [InlineData(PosixSignal.SIGHUP, "SIGHUP", 129)]
    [InlineData(PosixSignal.SIGINT, "SIGINT", 130)]
    [InlineData(PosixSignal.SIGQUIT, "SIGQUIT", 131)]
    [InlineData(PosixSignal.SIGTERM, "SIGTERM", 143)]
    public void The_first_signal_asks_and_a_second_one_ends(PosixSignal signal, string name, int code)
    {
        Assert.Null(_interrupt.Code);
        _interrupt.Hear(signal);
        Assert.Equal((name, code), (_interrupt.Name, _interrupt.Code));
        // What `timeout` and shells send twice is one signal.
        _interrupt.Hear(signal);
        Assert.Empty(_ends);
        _time.Advance(TimeSpan.FromSeconds(2));
        _interrupt.Hear(PosixSignal.SIGINT);
        Assert.Equal([130], _ends);
        Assert.Equal(code, _interrupt.Code);
    }

    [Fact]
    public void A_signal_to_a_process_whose_turn_has_not_come_waits_for_it()
    {
        _interrupt.Defer(true);
        _interrupt.Hear(PosixSignal.SIGTERM);
        Assert.Null(_interrupt.Code);
        _interrupt.Defer(false);
        Assert.Equal("SIGTERM", _interrupt.Name);
        _interrupt.Defer(true);
        _interrupt.Defer(false);
        Assert.Empty(_ends);
    }

    [Fact]
    public async Task A_command_is_not_waited_for_without_end_unless_something_is_to_be_saved()
    {
        var saving = _interrupt.Hold();
        _interrupt.Hear(PosixSignal.SIGTERM);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(_interrupt.Overdue.IsCompleted);
        saving.Dispose();
        _time.Advance(TimeSpan.FromMinutes(1));
        await _interrupt.Overdue.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_command_that_waits_for_input_ends_at_once()
    {
        using var never = new NeverReader();
        using StringWriter output = new(), errors = new();
        var terminal = new Terminal(never, output, errors, isInteractive: false);
        using var small = new SmallTraining();
        var command = Task.Run(() => TuluCommand.RunAsync(["tokenizer", "encode", "--tokenizer", small.In("tokenizer")], terminal, _interrupt));
        await never.Asked.Task.WaitAsync(TimeSpan.FromMinutes(1));
        _interrupt.Hear(PosixSignal.SIGINT);
        Assert.Equal(130, await command.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal("error: stopped\n       the command was interrupted by SIGINT\n  fix: start it again\n", errors.ToString());
    }

    [Fact]
    public async Task A_run_that_is_stopped_before_its_first_step_leaves_no_run()
    {
        using var small = new SmallTraining();
        using StringWriter output = new(), errors = new();
        var terminal = new Terminal(TextReader.Null, output, errors, isInteractive: false);
        _interrupt.Hear(PosixSignal.SIGTERM);
        string[] train = ["train", small.Recipe(), "--run", small.In("run")];
        Assert.Equal(143, await TuluCommand.RunAsync(train, terminal, _interrupt));
        Assert.Contains("stopped by SIGTERM before its first step; nothing is on disk\n  fix: `tulu2 train ", errors.ToString());
        Assert.DoesNotContain("--resume", errors.ToString());
        Assert.False(Directory.Exists(small.In("run")));
    }

    /// <summary>What a killed run leaves before its first step is no run: it can be begun, and it can be resumed.</summary>
    [Theory]
    [InlineData("--json")]
    [InlineData("--resume")]
    public async Task A_run_that_came_to_nothing_can_be_begun_again_with_any_recipe(string flag)
    {
        using var small = new SmallTraining();
        var run = Directory.CreateDirectory(small.In("run")).FullName;
        File.WriteAllText(Path.Combine(run, "metrics.jsonl"), "");
        using (var ledger = LedgerFile.Open(Path.Combine(run, "ledger")))
            ledger.Append([(new LedgerEvent.RunStarted("another", 2, 1, 4, 4, 0), DateTimeOffset.UnixEpoch)]);
        var (refused, _, errors) = await CommandLineTests.RunAsync("", "train", small.Recipe(), "--run", run, "--resume");
        Assert.Equal(ExitCode.BadInput, refused);
        Assert.Contains("contains no run to resume", errors);
        // As it is written before the first step.
        var (_, recipe, _) = await CommandLineTests.RunAsync("", "train", small.Recipe(), "--show-recipe");
        if (flag == "--json") File.WriteAllText(Path.Combine(run, "recipe.yaml"), $"# hash of what decides the bits: other\n{recipe}");
        else File.WriteAllText(Path.Combine(run, "recipe.yaml"), recipe);
        var (code, _, said) = await CommandLineTests.RunAsync("", "train", small.Recipe(), "--run", run, flag, "--set", "steps=1", "--set", "schedule.warmup=0");
        Assert.True(code == ExitCode.Done, said);
        Assert.Equal(ExitCode.Done, (await CommandLineTests.RunAsync("", "ledger", "verify", run)).Code);
    }

    private sealed class NeverReader : TextReader
    {
        private readonly ManualResetEventSlim _end = new();

        public TaskCompletionSource Asked { get; } = new();

        public override string? ReadLine()
        {
            Asked.TrySetResult();
            _end.Wait();
            return null;
        }

        protected override void Dispose(bool disposing) => _end.Set();
    }

    private sealed class ManualTime : TimeProvider
    {
        private readonly List<(TimerCallback Callback, object? State, TimeSpan Due)> _timers = [];
        private TimeSpan _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add((callback, state, _now + dueTime));
            return new NoTimer();
        }

        public void Advance(TimeSpan by)
        {
            _now += by;
            foreach (var timer in _timers.Where(timer => timer.Due <= _now).ToList())
            {
                _timers.Remove(timer);
                timer.Callback(timer.State);
            }
        }

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
