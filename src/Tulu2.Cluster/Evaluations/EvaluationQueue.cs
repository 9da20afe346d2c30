using Akka.Actor;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.Evaluations;

/// <summary>
/// Hands tasks to evaluators that ask, and accepts exactly one outcome of each: tasks of a lost evaluator go to another, and a late outcome of a task that
/// is done is dropped.
/// </summary>
internal sealed class EvaluationQueue(EvaluationControl.StartEvaluations start, IActorRef node) : UntypedActor, IWithTimers
{
    private const int Attempts = 5;
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, EvaluationOutcome> _outcomes = [];
    private readonly Dictionary<string, IActorRef> _evaluators = [];
    private WorkPool<EvaluationTask> _queue = WorkPool<EvaluationTask>.Of(Attempts).Add([.. start.Tasks.Select(task => (task.Id, task))]);
    private CancellationTokenRegistration _cancellation;
    private IActorRef? _ledger;
    private Exception? _failure;
    private bool _ending;

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    protected override void PreStart()
    {
        var self = Self;
        _cancellation = start.Cancellation.Register(() => self.Tell(EvaluationProtocol.Cancel.Instance));
        // It has a thread of its own for the disk.
        if (start.Ledger is { } file) _ledger = Context.ActorOf(Props.Create(() => new RunLedger(file, TimeProvider.System)), ActorNames.Ledger);
        if (_queue.IsComplete)
        {
            End(null);
            return;
        }
        node.Tell(new EvaluationControl.StartEvaluators(start.Evaluators, new FixedEvaluatorSource(start.Factory), Self));
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, Interval);
    }

    protected override void PostStop()
    {
        _cancellation.Dispose();
        // The actor system may have ended before the evaluation.
        start.Outcomes.TrySetCanceled();
    }

    protected override void OnReceive(object message)
    {
        if (_ending && message is not (EvaluationControl.EvaluatorsStopped or LedgerProtocol.Closed or RunProtocol.Fatal)) return;
        try
        {
            Handle(message);
        }
        catch (Exception fault)
        {
            // An observer that fails ends the evaluation, not the coordinator.
            End(fault);
        }
    }

    private void Handle(object message)
    {
        switch (message)
        {
            case EvaluationProtocol.Ask ask:
                Know(ask.Evaluator);
                (_queue, var lease) = _queue.Ask(ask.Evaluator, ask.Number, Now, LeaseTime);
                if (lease is not null) Sender.Tell(new EvaluationProtocol.Granted(ask.Number, lease.Attempt, lease.Work, null, null, null));
                break;
            case EvaluationProtocol.Working working:
                _queue = _queue.Renew(working.Evaluator, working.Number, Now, LeaseTime);
                break;
            case EvaluationProtocol.Computed done:
                var attempt = _queue.LeaseOf(done.Evaluator)?.Attempt ?? 1;
                Sender.Tell(new EvaluationProtocol.Taken(done.Number));
                Accept(done.Outcome, attempt);
                break;
            case EvaluationProtocol.Failed final when final.Where is not null || final.Fix is not null:
                End(new RunFailure(final.Error, final.Detail, final.Where, final.Fix).ToException());
                break;
            case EvaluationProtocol.Failed failed:
                var isHeld = _queue.LeaseOf(failed.Evaluator) is not null;
                (_queue, var over) = _queue.Fail(failed.Evaluator, failed.Number, failed.Error);
                Sender.Tell(new EvaluationProtocol.Taken(failed.Number));
                if (isHeld) start.Observer?.EvaluatorRestarted(NumberOf(failed.Evaluator), failed.Error);
                if (over is not null) End(new RunFailedException(Exhausted(over), failed.Detail));
                break;
            case Terminated lost:
                foreach (var name in _evaluators.Where(e => e.Value.Equals(lost.ActorRef)).Select(e => e.Key).ToArray())
                {
                    _evaluators.Remove(name);
                    _queue = _queue.Lose(name);
                }
                break;
            case Tick:
                (_queue, var expired) = _queue.Expire(Now);
                if (expired.FirstOrDefault() is { } late) End(new RunFailedException(Exhausted(late), ""));
                break;
            case EvaluationProtocol.Cancel:
                End(new OperationCanceledException(start.Cancellation));
                break;
            case RunProtocol.Fatal ledger:
                _failure ??= ledger.Failure.ToException();
                End(_failure);
                break;
            case EvaluationControl.EvaluatorsStopped when _ledger is not null:
                // What was accepted is durable before the outcome is known.
                _ledger.Tell(LedgerProtocol.Close.Instance);
                break;
            case EvaluationControl.EvaluatorsStopped or LedgerProtocol.Closed:
                Complete();
                break;
        }
    }

    private void Know(string evaluator)
    {
        if (_evaluators.TryGetValue(evaluator, out var known) && known.Equals(Sender)) return;
        _evaluators[evaluator] = Context.Watch(Sender);
    }

    private void Accept(EvaluationOutcome outcome, int attempt)
    {
        (_queue, var accepted) = _queue.Complete(outcome.TaskId);
        if (!accepted) return;
        _outcomes[outcome.TaskId] = outcome;
        _ledger?.Tell(new LedgerProtocol.Append(new LedgerEvent.EvaluationDone(outcome.TaskId, attempt, outcome.Items, outcome.Total)));
        start.Observer?.TaskDone(outcome, _queue.Done, _queue.Total);
        if (_queue.IsComplete) End(null);
    }

    private string Exhausted(Exhausted over) => $"evaluation task {_queue[over.Id].Id} failed {Attempts} times, the last time with: {over.Why}";

    // The last name of its path, before the actor's uid.
    private static int NumberOf(string evaluator) => int.TryParse(evaluator[(evaluator.LastIndexOf('/') + 1)..].Split('#')[0], out var number) ? number : -1;

    private void End(Exception? failure)
    {
        if (_ending) return;
        (_ending, _failure) = (true, failure);
        node.Tell(EvaluationControl.StopEvaluators.Instance);
    }

    private void Complete()
    {
        if (_failure is OperationCanceledException) start.Outcomes.TrySetCanceled(start.Cancellation);
        else if (_failure is not null) start.Outcomes.TrySetException(_failure);
        else start.Outcomes.TrySetResult([.. start.Tasks.Select(task => _outcomes[task.Id])]);
        Context.Stop(Self);
    }
}
