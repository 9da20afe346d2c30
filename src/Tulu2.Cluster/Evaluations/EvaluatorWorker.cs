using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Tulu2.Cluster.Delivery;
using Tulu2.Cluster.Messages;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Evaluations;

/// <summary>
/// Asks for evaluation work and does one piece at a time, on a thread that owns the evaluator. An evaluator that has failed is replaced by a new one for the next piece.
/// What it says is repeated every second until it is answered, whoever the coordinator is by then.
/// </summary>
/// <param name="queue">Who gives work: the queue or pool itself, or the cluster's coordinator, which passes everything on.</param>
/// <param name="threads">Gets the end of the thread.</param>
internal sealed class EvaluatorWorker(IEvaluatorSource source, IActorRef queue, ConcurrentBag<Task> threads) : UntypedActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Beats without work after which the evaluator, and with it the memory of its model, is given back.
    private const int IdleBeats = 120;

    private CancellationTokenSource _running = new();
    // Tasks report their own failures; an evaluator that fails at its end may have failed before, which was reported.
    private readonly DedicatedThread _thread = new("evaluator", _ => { });

    // Touched by the thread only.
    private IEvaluator? _evaluator;
    private string? _settings;

    // Touched by the actor only.
    private readonly string _name = ActorPaths.PathOf(Context.System, Context.Self);
    private EvaluationProtocol.Granted? _task;
    private EvaluationProtocol.IReport? _report;
    private int _idle;

    // Greater than those of an actor of this name that was restarted.
    private long _number = Stopwatch.GetTimestamp();

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Beat : INoSerializationVerificationNeeded
    {
        public static Beat Instance { get; } = new();
    }

    protected override void PreStart()
    {
        threads.Add(_thread.Completion);
        Say();
        Timers.StartPeriodicTimer(nameof(Beat), Beat.Instance, Interval);
    }

    protected override void PostStop()
    {
        _running.Cancel();
        _thread.Post(Free);
        _thread.Dispose();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Beat:
                if (_task is not null) _idle = 0;
                else if (++_idle == IdleBeats) _thread.Post(Free);
                Say();
                break;
            case EvaluationProtocol.Granted granted when granted.Number == _number && _report is null && _task?.Settings != granted.Settings:
                Run(granted);
                break;
            case EvaluationProtocol.Granted granted when granted.Number == _number && _task is null:
                Run(granted);
                break;
            case EvaluationProtocol.Ended { Of: var of, Report: var report } when ReferenceEquals(of, _task):
                _report = report;
                Say();
                break;
            case EvaluationProtocol.Taken taken when taken.Number == _number && _report is { } taken1:
                (_task, _report) = (null, null);
                _number++;
                // After a failure the next question waits for the next beat: the cause may be one that passes.
                if (taken1 is EvaluationProtocol.Scored or EvaluationProtocol.Computed) Say();
                break;
        }
    }

    private void Say()
    {
        if (_report is not null) queue.Tell(_report);
        else if (_task is not null) queue.Tell(new EvaluationProtocol.Working(_name, _number));
        else queue.Tell(new EvaluationProtocol.Ask(_name, _number));
    }

    private void Run(EvaluationProtocol.Granted granted)
    {
        // One that is begun again ends at once, and what it reports is not heard.
        _running.Cancel();
        (_task, _running) = (granted, new CancellationTokenSource());
        var (self, name, cancellation) = (Self, _name, _running.Token);
        _thread.Post(() => self.Tell(new EvaluationProtocol.Ended(granted, Report(granted, name, cancellation))));
    }

    private EvaluationProtocol.IReport Report(EvaluationProtocol.Granted granted, string name, CancellationToken cancellation)
    {
        var (number, task) = (granted.Number, granted.Task);
        if (granted.Folder is { } shared && !Directory.Exists(shared))
            return new EvaluationProtocol.Declined(name, number, $"it does not see {shared}: put run directories on storage that all nodes see under the same path");
        try
        {
            if (_evaluator is null || _settings != granted.Settings)
            {
                Free();
                (_evaluator, _settings) = (source.Create(granted.Settings), granted.Settings);
            }
            if (granted.NextModel is { } next) _evaluator.Prepare(next);
            var outcome = _evaluator.Run(task, cancellation);
            return granted.Folder is { } folder
                ? new EvaluationProtocol.Scored(name, number, task.Id, OutcomeFile.Write(folder, outcome))
                : new EvaluationProtocol.Computed(name, number, outcome);
        }
        catch (Exception fault)
        {
            var failure = RunFailure.Of(fault);
            // Bad input is no fault of the evaluator, which can do other work.
            if (failure.BadInputFix is null) Free();
            return new EvaluationProtocol.Failed(name, number, task.Id, failure.Error, failure.Detail, failure.BadInputWhere, failure.BadInputFix);
        }
    }

    private void Free()
    {
        try
        {
            _evaluator?.Dispose();
        }
        finally
        {
            _evaluator = null;
        }
    }
}
