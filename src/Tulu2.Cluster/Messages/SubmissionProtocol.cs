using System.Collections.Immutable;

namespace Tulu2.Cluster.Messages;

/// <summary>
/// Between processes outside the cluster and its coordinator, by way of a node's gateway. Either may sleep, be cut off or be replaced by
/// another one: requests are repeated until answered, and lines are asked for by number.
/// </summary>
internal static class SubmissionProtocol
{
    /// <summary>A request that a process outside the cluster may send; the gateway passes nothing else.</summary>
    public interface IRequest : IWireMessage;

    /// <summary>Repeated until the run ends: a coordinator that does not have the run starts or resumes it.</summary>
    public sealed record Submit(Submission Run) : IRequest;

    /// <summary>Number of lines received from this coordinator; the answer is the lines that follow.</summary>
    /// <param name="Source">Coordinator that sent them; empty: none yet.</param>
    public sealed record Heard(string Id, string Source, int Lines) : IRequest;

    /// <summary>Finish the step, write a checkpoint and end.</summary>
    public sealed record Cancel(string Id) : IRequest;

    /// <summary>The run is to have this many replicas.</summary>
    public sealed record Scale(string Id, int Data) : IRequest;

    /// <summary>Queries nodes and current run. The node answers with <see cref="Nodes"/>, the coordinator with <see cref="RunStatus"/>.</summary>
    public sealed record AskStatus : IRequest
    {
        public static AskStatus Instance { get; } = new();
    }

    /// <summary>Coordinator to submitter: the run is accepted, or has just ended.</summary>
    public sealed record Accepted(string Id) : IWireMessage;

    /// <summary>Coordinator to submitter: the run ends when its step is done.</summary>
    public sealed record Cancelling(string Id) : IWireMessage;

    /// <summary>Coordinator to a client: the run follows, or cannot.</summary>
    /// <param name="Where">What cannot be used; empty: it follows.</param>
    public sealed record Scaled(string Id, string Where, string What, string Fix) : IWireMessage;

    /// <summary>Coordinator to submitter: a line to print.</summary>
    /// <param name="Source">Coordinator that sends it.</param>
    /// <param name="After">Number of the line before it; lines between are lost.</param>
    /// <param name="Number">From 1.</param>
    public sealed record Line(string Id, string Source, int After, int Number, bool IsError, string Text) : IWireMessage;

    /// <summary>Coordinator to submitter: the run has ended, after this number of lines.</summary>
    public sealed record Over(string Id, string Source, int Lines, int ExitCode) : IWireMessage;

    /// <summary>A node to a client: a part of the cluster's nodes.</summary>
    /// <param name="Total">Number of nodes in all parts.</param>
    public sealed record Nodes(int Total, ImmutableArray<NodeView> Part) : IWireMessage;

    /// <summary>Coordinator to a client.</summary>
    /// <param name="Coordinator">Address of its node.</param>
    /// <param name="Current">The current run; null: none.</param>
    /// <param name="Last">The run that ended last under this coordinator; null: none.</param>
    public sealed record RunStatus(string Coordinator, RunView? Current, RunView? Last) : IWireMessage;
}
