using Akka.Actor;

namespace Tulu2.Cluster.Submissions;

/// <summary>Takes submitted runs, one at a time, and tells the submitter what they say and how they end. A run goes on without its submitter.</summary>
internal sealed class SubmittedRuns(IRunService service) : UntypedActor
{
    private const int BadInput = 2;

    // Repeated submits find out how it ended, should the first answer be lost.
    private readonly Dictionary<string, int> _ended = [];
    private readonly CancellationTokenSource _stopped = new();
    private CancellationTokenSource? _cancel;
    private string? _current;
    private IActorRef _submitter = ActorRefs.Nobody;

    private sealed record Line(string Id, bool IsError, string Text) : INoSerializationVerificationNeeded;

    private sealed record Done(string Id, int ExitCode) : INoSerializationVerificationNeeded;

    protected override void PostStop() => _stopped.Cancel();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SubmissionProtocol.Submit { Run: var run } when _ended.TryGetValue(run.Id, out var code):
                Sender.Tell(new SubmissionProtocol.Ended(run.Id, code));
                break;
            case SubmissionProtocol.Submit { Run: var run } when _current is null || _current == run.Id:
                _submitter = Sender;
                if (_current is null) Begin(run);
                _submitter.Tell(new SubmissionProtocol.InHand(run.Id));
                break;
            case SubmissionProtocol.Submit { Run: var run }:
                Sender.Tell(new SubmissionProtocol.Said(run.Id, true, "error: the cluster has another run in hand\n mend: wait for its end, or stop it where it was submitted"));
                Sender.Tell(new SubmissionProtocol.Ended(run.Id, BadInput));
                break;
            case SubmissionProtocol.Cancel cancel when cancel.Id == _current:
                _cancel!.Cancel();
                break;
            case Line line:
                _submitter.Tell(new SubmissionProtocol.Said(line.Id, line.IsError, line.Text));
                break;
            case Done done:
                _ended[done.Id] = done.ExitCode;
                _current = null;
                _submitter.Tell(new SubmissionProtocol.Ended(done.Id, done.ExitCode));
                break;
        }
    }

    private void Begin(Submission run)
    {
        var self = Self;
        _current = run.Id;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        var token = _cancel.Token;
        Task.Run(() => service.RunAsync(run, (isError, line) => self.Tell(new Line(run.Id, isError, line)), token), CancellationToken.None)
            .PipeTo(self, success: code => new Done(run.Id, code), failure: _ => new Done(run.Id, 1));
    }
}
