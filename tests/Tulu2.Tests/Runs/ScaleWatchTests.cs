using Tulu2.Runs.Execution;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>How a run finds out that it was scaled.</summary>
public sealed class ScaleWatchTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_first_look_that_comes_before_the_constructor_goes_on_finds_what_it_uses()
    {
        var (directory, seen) = (new RunDirectory(_folder.FullName), new List<int>());
        var parallel = new ParallelRecipe { Data = 2 };
        Write(directory, 3);
        var time = new EagerTime();
        using var watch = new ScaleWatch(directory, parallel, seen.Add, time);
        Assert.Equal([3], seen);
        Assert.True(time.Waits > TimeSpan.Zero);
    }

    [Fact]
    public void The_same_number_written_again_is_told_again_and_an_unchanged_file_is_not()
    {
        var (directory, seen, time) = (new RunDirectory(_folder.FullName), new List<int>(), new EagerTime());
        using var watch = new ScaleWatch(directory, new ParallelRecipe { Data = 2 }, seen.Add, time);
        Write(directory, 3);
        time.Pass();
        time.Pass();
        Write(directory, 3);
        File.SetLastWriteTimeUtc(directory.Scale, DateTime.UtcNow.AddSeconds(2));
        time.Pass();
        Assert.Equal([3, 3], seen);
    }

    private static void Write(RunDirectory directory, int data) => File.WriteAllText(directory.Scale, $$"""{"data": {{data}}, "of": 2}""");

    /// <summary>Timers that fall due in the call that sets them to no delay, on its thread.</summary>
    private sealed class EagerTime : TimeProvider
    {
        private Action? _due;

        /// <summary>What the timer was last set to.</summary>
        public TimeSpan Waits { get; private set; }

        public void Pass() => _due!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _due = () => callback(state);
            var timer = new EagerTimer(this);
            timer.Change(dueTime, period);
            return timer;
        }

        private sealed class EagerTimer(EagerTime time) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                time.Waits = dueTime;
                if (dueTime == TimeSpan.Zero) time.Pass();
                return true;
            }

            public void Dispose() { }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
