using System.Numerics;

namespace Tulu2.Data.Statistics.Content;

/// <summary>Number of dialogues with <paramref name="From"/> to <paramref name="To"/> turns.</summary>
public readonly record struct TurnBin(int From, int To, long Rows)
{
    /// <summary>For people: <c>1</c>, <c>3-4</c>.</summary>
    public string Label => From == To ? $"{From}" : $"{From}-{To}";
}

/// <summary>Turns of the user and the assistant; system turns are not counted. Of a pair, those of the chosen dialogue.</summary>
/// <param name="Bins">1, 2, 3-4, 5-8 and so on, up to the most turns that a row has.</param>
/// <param name="Mean">Turns of a row.</param>
/// <param name="Most">Turns of the longest dialogue.</param>
/// <param name="UserCharacters">Mean number of characters (UTF-16) of a turn of the user.</param>
/// <param name="AssistantCharacters">The same of the assistant.</param>
public sealed record TurnStatistics(IReadOnlyList<TurnBin> Bins, double Mean, int Most, double UserCharacters, double AssistantCharacters)
{
    /// <summary>Index of the bin of a number of turns.</summary>
    internal static int BinOf(int turns) => turns <= 1 ? 0 : BitOperations.Log2((uint)turns - 1) + 1;

    internal static TurnBin Bin(int index, long rows) => index == 0 ? new TurnBin(1, 1, rows) : new TurnBin((1 << (index - 1)) + 1, 1 << index, rows);
}
