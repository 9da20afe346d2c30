using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Files;

namespace Tulu2.Cluster.Submissions;

/// <summary>
/// Executes submitted runs, one at a time, and sends their output and result to their submitters. A run continues without its submitter; one that submits its
/// directory again follows it.
/// </summary>
/// <param name="address">Address of this node.</param>
internal sealed class SubmittedRuns(IRunService service, string address) : UntypedActor
{
    private const int BadInput = 2;
    private const int Remembered = 16;

    private readonly string _source = Guid.NewGuid().ToString("N");
    private readonly Dictionary<string, SubmittedRun> _runs = [];
    private readonly Queue<string> _order = [];
    private readonly Dictionary<string, IActorRef> _listeners = [];
    private SubmittedRun? _current;
    private SubmittedRun? _last;

    /// <summary>Coordinator to this actor: a client queries the status.</summary>
    public sealed record Describe(RunProgress? Progress) : INoSerializationVerificationNeeded;

    /// <summary>Coordinator to this actor: a run's ranks have ended, at this progress.</summary>
    public sealed record Note(RunProgress? Progress) : INoSerializationVerificationNeeded;

    private sealed record OutputLine(SubmittedRun Run, bool IsError, string Text) : INoSerializationVerificationNeeded;

    private sealed record Done(SubmittedRun Run, int ExitCode) : INoSerializationVerificationNeeded;

    protected override void PostStop() => _current?.Cancel();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SubmissionProtocol.Submit { Run: var run }:
                _listeners[run.Id] = Sender;
                if (!_runs.ContainsKey(run.Id)) Remember(run.Id, Taken(run));
                Sender.Tell(new SubmissionProtocol.Accepted(run.Id));
                break;
            case SubmissionProtocol.Heard heard when _runs.TryGetValue(heard.Id, out var run):
                Tell(heard.Id, run, heard.Source == _source ? heard.Lines : 0, Sender);
                break;
            case SubmissionProtocol.Cancel { Id: var id } when _runs.TryGetValue(id, out var run):
                if (run.ExitCode is null) run.Cancel();
                Sender.Tell(new SubmissionProtocol.Cancelling(id));
                break;
            case SubmissionProtocol.Scale scale when _runs.TryGetValue(scale.Id, out var run):
                Sender.Tell(Scaled(scale, run));
                break;
            case Describe { Progress: var progress }:
                _current?.Take(progress);
                Sender.Tell(new SubmissionProtocol.RunStatus(address, ViewOf(_current), ViewOf(_last)));
                break;
            case Note { Progress: var progress }:
                _current?.Take(progress);
                break;
            case OutputLine line:
                Say(line.Run, line.IsError, line.Text);
                break;
            case Done { Run: var run } done:
                run.End(done.ExitCode);
                (_last, _current) = (run, null);
                foreach (var id in IdsOf(run)) Tell(id, run, run.Transcript.Count, _listeners[id]);
                break;
        }
    }

    // A small file: it is read and written in a moment.
    private SubmissionProtocol.Scaled Scaled(SubmissionProtocol.Scale scale, SubmittedRun run)
    {
        try
        {
            service.Scale(run.Submission, scale.Data);
            return new SubmissionProtocol.Scaled(scale.Id, "", "", "");
        }
        catch (Exception fault) when (fault is BadInputException or IOException or UnauthorizedAccessException)
        {
            var bad = fault as BadInputException ?? new BadInputException(run.Submission.RunDirectory, $"cannot be written: {FaultText.Of(fault)}", "free space on its disk");
            return new SubmissionProtocol.Scaled(scale.Id, bad.Where, bad.What, bad.Fix);
        }
    }

    private SubmittedRun Taken(Submission asked)
    {
        if (_current?.Submission.RunDirectory == asked.RunDirectory) return _current;
        var run = new SubmittedRun(asked);
        if (_current is { } other)
        {
            run.Transcript.Add(true, $"error: {asked.RunDirectory}");
            run.Transcript.Add(true, $"       the cluster is executing another run: {other.Submission.RunDirectory}");
            run.Transcript.Add(true, "  fix: wait for its end (`tulu2 status` shows how far it is), or stop it (`tulu2 cancel`)");
            run.End(BadInput);
            return run;
        }
        var self = Self;
        _current = run;
        _ = Task.Run(() => service.RunAsync(asked, (isError, line) => self.Tell(new OutputLine(run, isError, line)), run.Cancellation), CancellationToken.None)
            .PipeTo(self, success: code => new Done(run, code), failure: _ => new Done(run, 1));
        return run;
    }

    private void Remember(string id, SubmittedRun run)
    {
        _runs[id] = run;
        _order.Enqueue(id);
        if (_order.Count <= Remembered) return;
        var oldest = _order.Dequeue();
        if (_runs[oldest] == _current)
        {
            _order.Enqueue(oldest);
            return;
        }
        _runs.Remove(oldest);
        _listeners.Remove(oldest);
    }

    private void Say(SubmittedRun run, bool isError, string text)
    {
        var number = run.Transcript.Add(isError, text);
        foreach (var id in IdsOf(run)) _listeners[id].Tell(new SubmissionProtocol.Line(id, _source, number - 1, number, isError, text));
    }

    private void Tell(string id, SubmittedRun run, int heard, IActorRef listener)
    {
        foreach (var line in run.Transcript.Since(heard))
            listener.Tell(new SubmissionProtocol.Line(id, _source, line.After, line.Number, line.IsError, line.Text));
        if (run.ExitCode is { } code) listener.Tell(new SubmissionProtocol.Over(id, _source, run.Transcript.Count, code));
    }

    private IEnumerable<string> IdsOf(SubmittedRun run) => _listeners.Keys.Where(id => _runs[id] == run);

    private static RunView? ViewOf(SubmittedRun? run) => run?.View(run.Submission.Id);
}
