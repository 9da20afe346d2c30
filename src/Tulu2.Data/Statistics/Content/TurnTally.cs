using Tulu2.Data.Rows;

namespace Tulu2.Data.Statistics.Content;

/// <summary>Counts turns.</summary>
internal sealed class TurnTally
{
    private readonly List<long> _bins = [];
    private int _most;
    private long _rows, _userTurns, _assistantTurns, _userCharacters, _assistantCharacters;

    /// <summary>Returns the number of turns.</summary>
    public int Add(IReadOnlyList<Message> dialogue)
    {
        var turns = 0;
        foreach (var message in dialogue)
        {
            if (message.Role == Message.System) continue;
            turns++;
            if (message.Role == Message.User) (_userTurns, _userCharacters) = (_userTurns + 1, _userCharacters + message.Content.Length);
            else (_assistantTurns, _assistantCharacters) = (_assistantTurns + 1, _assistantCharacters + message.Content.Length);
        }
        var bin = TurnStatistics.BinOf(turns);
        while (_bins.Count <= bin) _bins.Add(0);
        _bins[bin]++;
        _rows++;
        _most = Math.Max(_most, turns);
        return turns;
    }

    public TurnStatistics Result() => new([.. _bins.Select((rows, index) => TurnStatistics.Bin(index, rows))],
        Mean(_userTurns + _assistantTurns, _rows), _most, Mean(_userCharacters, _userTurns), Mean(_assistantCharacters, _assistantTurns));

    private static double Mean(long sum, long count) => count == 0 ? 0 : (double)sum / count;
}
