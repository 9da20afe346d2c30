using System.Collections.Immutable;
using Tulu2.Cluster.Wire;

namespace Tulu2.Cluster.Submissions;

/// <summary>
/// Between processes outside the cluster and its coordinator, by way of a node's <see cref="Gateway"/>. Either may sleep, be cut off or be replaced by
/// another one: requests are repeated until answered, and lines are asked for by number.
/// </summary>
internal static class SubmissionProtocol
{
    /// <summary>What a process outside the cluster may say to it; nothing else passes.</summary>
    public interface IRequest : IWireMessage;

    /// <summary>Again and again until the end: a coordinator that does not know the run begins it, or goes on with it.</summary>
    public sealed record Submit(Submission Run) : IRequest;

    /// <summary>How many lines of this coordinator's the submitter has; the answer is what comes after them.</summary>
    /// <param name="Source">The coordinator that said them; empty: none has yet.</param>
    public sealed record Heard(string Id, string Source, int Lines) : IRequest;

    /// <summary>Finish the step, write a checkpoint and end.</summary>
    public sealed record Cancel(string Id) : IRequest;

    /// <summary>What nodes are there, which run is in hand? The node answers with <see cref="Nodes"/>, the coordinator with <see cref="RunStatus"/>.</summary>
    public sealed record AskStatus : IRequest
    {
        public static AskStatus Instance { get; } = new();
    }

    /// <summary>Coordinator to submitter: it is in hand, or has just ended.</summary>
    public sealed record InHand(string Id) : IWireMessage;

    /// <summary>Coordinator to submitter: it ends as soon as its step is done.</summary>
    public sealed record Cancelling(string Id) : IWireMessage;

    /// <summary>Coordinator to submitter: a line to print.</summary>
    /// <param name="Source">The coordinator that says it.</param>
    /// <param name="After">It follows this line; those between are lost for good.</param>
    /// <param name="Number">From 1.</param>
    public sealed record Line(string Id, string Source, int After, int Number, bool IsError, string Text) : IWireMessage;

    /// <summary>Coordinator to submitter: it is over, and so many lines were said.</summary>
    public sealed record Over(string Id, string Source, int Lines, int ExitCode) : IWireMessage;

    /// <summary>A node to whoever asked: a part of the cluster's nodes.</summary>
    /// <param name="Total">Of all parts.</param>
    public sealed record Nodes(int Total, ImmutableArray<NodeView> Part) : IWireMessage;

    /// <summary>Coordinator to whoever asked.</summary>
    /// <param name="Coordinator">Address of its node.</param>
    /// <param name="InHand">Null: none is.</param>
    /// <param name="Last">The one that ended last under this coordinator; null: none did.</param>
    public sealed record RunStatus(string Coordinator, RunView? InHand, RunView? Last) : IWireMessage;
}
