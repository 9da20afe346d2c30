using System.Globalization;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Protocol.Outcomes;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

[Collection(HostCollection.Name)]
public sealed class EvaluationSpec(HostFixture fixture)
{
    private static readonly IReadOnlyList<EvaluationTask> Tasks =
        [.. Enumerable.Range(0, 50).Select(i => new EvaluationTask($"t{i}", "exact_match", "model", "rows.jsonl", i * 10, 10))];

    private sealed class Factory(Func<EvaluationTask, Exception?> fault) : IEvaluatorFactory
    {
        private int _created;
        private int _alive;

        public int Created => _created;
        public int Alive => _alive;

        public IEvaluator Create()
        {
            Interlocked.Increment(ref _created);
            Interlocked.Increment(ref _alive);
            return new Evaluator(this);
        }

        private sealed class Evaluator(Factory factory) : IEvaluator
        {
            public EvaluationOutcome Run(EvaluationTask task, CancellationToken cancellation) =>
                factory.Fault(task) is { } fault
                    ? throw fault
                    : new EvaluationOutcome(
                        task.Id, [.. Enumerable.Range(task.First, task.Count).Select(item => new ItemScore($"{item}", "d", task.First) { Sample = new EvaluationSample("p", "e", "o", true) })]);

            public IReadOnlyList<string> Answer(string model, IReadOnlyList<IReadOnlyList<Message>> prompts, int maxTokens, CancellationToken cancellation) =>
                throw new NotSupportedException();

            public void Dispose() => Interlocked.Decrement(ref factory._alive);
        }

        private Exception? Fault(EvaluationTask task) => fault(task);
    }

    private sealed class Observer : IEvaluationObserver
    {
        public List<string> Done { get; } = [];
        public int Restarts { get; private set; }

        public TaskCompletionSource? AllDone { get; init; }

        public void TaskDone(EvaluationOutcome outcome, int done, int total)
        {
            Done.Add(outcome.TaskId);
            if (done == total) AllDone?.TrySetResult();
        }

        public void EvaluatorRestarted(int evaluator, string reason) => Restarts++;
    }

    private Task<IReadOnlyList<EvaluationOutcome>> RunAsync(
        Factory factory, Observer? observer = null, string? ledger = null, CancellationToken cancellation = default) => new EvaluationHost(fixture.Host)
        .RunAsync(Tasks, 3, factory, observer, ledger, cancellation).WaitAsync(TimeSpan.FromSeconds(60), CancellationToken.None);

    [Fact]
    public async Task Every_task_is_counted_once_though_evaluators_die()
    {
        var ledger = Directory.CreateTempSubdirectory("tulu2-evaluation-");
        try
        {
            var dying = new HashSet<string> { "t3", "t17", "t31", "t49" };
            var factory = new Factory(task =>
            {
                lock (dying) return dying.Remove(task.Id) ? new InvalidOperationException("out of memory") : null;
            });
            var observer = new Observer();

            var outcomes = await RunAsync(factory, observer, ledger.FullName);

            Assert.Equal(Tasks.Select(task => task.Id), outcomes.Select(outcome => outcome.TaskId));
            Assert.Equal(Tasks.Select(task => (10, 10.0 * task.First)), outcomes.Select(outcome => (outcome.Items, outcome.Total)));
            Assert.Equal(Tasks.Select(task => task.Id).Order(), observer.Done.Order());
            Assert.Equal(4, observer.Restarts);
            Assert.InRange(factory.Created, 5, 7);
            Assert.Equal(0, factory.Alive);
            Assert.Equal(50, LedgerReader.Read(ledger.FullName).Count(entry => entry.Event is LedgerEvent.EvaluationDone));
        }
        finally
        {
            ledger.Delete(recursive: true);
        }
    }

    [SkippableFact]
    public async Task A_disk_that_hangs_holds_up_no_task()
    {
        Skip.IfNot(Directory.Exists("/proc/self/fd"), "this system does not list open files");
        var ledger = Directory.CreateTempSubdirectory("tulu2-evaluation-");
        // A write to a pipe that is full waits until somebody reads.
        using var disk = new AnonymousPipeServerStream(PipeDirection.In);
        using var full = new AnonymousPipeClientStream(PipeDirection.Out, disk.ClientSafePipeHandle);
        full.Write(new byte[64 * 1024]);
        try
        {
            var (hung, done) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            var factory = new Factory(_ =>
            {
                if (Interlocked.Exchange(ref hung, 1) == 0) Redirect(Path.Combine(ledger.FullName, LedgerReader.FileName), (int)full.SafePipeHandle.DangerousGetHandle());
                return null;
            });
            var evaluation = RunAsync(factory, new Observer { AllDone = done }, ledger.FullName);

            await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
            Assert.False(evaluation.IsCompleted);

            var drain = Task.Run(() => disk.CopyTo(Stream.Null));
            Assert.Equal(Tasks.Count, (await evaluation).Count);
            full.Dispose();
            await drain;
        }
        finally
        {
            ledger.Delete(recursive: true);
        }
    }

    private static void Redirect(string file, int to)
    {
        var descriptor = Directory.GetFiles("/proc/self/fd").Single(fd => new FileInfo(fd).LinkTarget == file);
        Assert.True(DuplicateTo(to, int.Parse(Path.GetFileName(descriptor), CultureInfo.InvariantCulture)) >= 0);
    }

    [DllImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static extern int DuplicateTo(int from, int to);

    [Fact]
    public async Task Bad_input_ends_the_evaluation_at_once()
    {
        var factory = new Factory(task => task.Id == "t5" ? new BadInputException("rows.jsonl:51", "no assistant turn", "correct the row") : null);

        var bad = await Assert.ThrowsAsync<BadInputException>(() => RunAsync(factory));

        Assert.Equal(("rows.jsonl:51", "no assistant turn", "correct the row"), (bad.Where, bad.What, bad.Fix));
    }

    [Fact]
    public async Task A_model_whose_numbers_are_broken_ends_the_evaluation_at_once_with_the_row_and_a_fix()
    {
        var factory = new Factory(task => task.Id == "t5" ? new NonFiniteException("rows.jsonl:51", "its log-probability is NaN", "take another model") : null);
        var observer = new Observer();

        var failed = await Assert.ThrowsAsync<RunFailedException>(() => RunAsync(factory, observer));

        Assert.Equal(("rows.jsonl:51: its log-probability is NaN", "take another model", 0), (failed.Message, failed.Fix, observer.Restarts));
    }

    [Fact]
    public async Task A_task_that_always_fails_ends_the_evaluation_with_its_cause()
    {
        var factory = new Factory(task => task.Id == "t5" ? new InvalidOperationException("native crash") : null);

        var failed = await Assert.ThrowsAsync<RunFailedException>(() => RunAsync(factory));

        Assert.Equal("evaluation task t5 failed 5 times, the last time with: native crash", failed.Message);
    }

    [Fact]
    public async Task A_cancelled_evaluation_leaves_nothing_behind()
    {
        using var stop = new CancellationTokenSource();
        var factory = new Factory(task =>
        {
            if (task.Id == "t5") stop.Cancel();
            return null;
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await RunAsync(factory, cancellation: stop.Token);
            // All tasks may have been done before the news came.
            throw new OperationCanceledException();
        });

        Assert.Equal(0, factory.Alive);
    }
}
