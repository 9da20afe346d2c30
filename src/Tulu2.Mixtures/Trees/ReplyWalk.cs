using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Trees;

/// <summary>The ways through a tree, depth first: deleted turns are not followed, of the others the best ones by quality. Pure; for one tree.</summary>
/// <param name="topK">Replies that are followed at each turn.</param>
/// <param name="keepLost">Also keep a way whose last answer has replies of which none leads to another answer; the original loses it.</param>
internal sealed class ReplyWalk(int topK, bool keepLost)
{
    public const string LostAnswer = "answer lost: it has replies, but none of them leads to another answer";

    private readonly List<Message> _way = [];
    private readonly List<IReadOnlyList<Message>> _found = [];

    /// <summary>Answers that no row of the original has.</summary>
    public int LostAnswers { get; private set; }

    /// <summary>Ways from the prompt to a last answer.</summary>
    public IReadOnlyList<IReadOnlyList<Message>> Paths(ReplyNode root)
    {
        Visit(root);
        return _found;
    }

    private void Visit(ReplyNode node)
    {
        if (node.Deleted) return;
        _way.Add(node.Message);
        var isAnswer = node.Message.Role == Message.Assistant;
        if (isAnswer && node.Replies.Count == 0) _found.Add([.. _way]);
        else
        {
            var before = _found.Count;
            foreach (var reply in Followed(node)) Visit(reply);
            if (isAnswer && _found.Count == before) Lose();
        }
        _way.RemoveAt(_way.Count - 1);
    }

    private void Lose()
    {
        LostAnswers++;
        if (keepLost) _found.Add([.. _way]);
    }

    // Without a limit the file's order stays; a stable sort keeps it among equals, as Python's does.
    private IEnumerable<ReplyNode> Followed(ReplyNode node)
    {
        var replies = node.Replies.Where(reply => !reply.Deleted);
        return topK == int.MaxValue ? replies : replies.OrderByDescending(reply => reply.Quality).Take(topK);
    }
}
