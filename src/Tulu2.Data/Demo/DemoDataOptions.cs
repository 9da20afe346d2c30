namespace Tulu2.Data.Demo;

/// <summary>How much demo data of what kind. The same options give the same bytes.</summary>
public sealed record DemoDataOptions
{
    public int Seed { get; init; } = 42;

    /// <summary>Instruction rows to train on and to hold out (held out: verifiable kinds only).</summary>
    public int SftTrain { get; init; } = 12_000;
    public int SftHeldOut { get; init; } = 240;

    /// <summary>Preference pairs to train on and to hold out.</summary>
    public int DpoTrain { get; init; } = 2_400;
    public int DpoHeldOut { get; init; } = 240;

    /// <summary>How often each verifiable kind comes, by weight; 0 leaves one out.</summary>
    public double Identity { get; init; } = 1;
    public double Arithmetic { get; init; } = 1;
    public double Sort { get; init; } = 1.5;
    public double Reverse { get; init; } = 1.5;
    public double Compare { get; init; } = 1;
    public double Format { get; init; } = 1.5;
    public double MultiTurn { get; init; } = 1;

    /// <summary>The share of instruction rows that are courtesies, mostly in a casual tone: preferences then teach the formal one.</summary>
    public double CourtesyShare { get; init; } = 0.15;

    /// <summary>The share of courtesies in instruction rows that are formal.</summary>
    public double FormalShare { get; init; } = 0.3;

    /// <summary>The share of instruction rows to train on that follow an earlier row in the same dialogue, so that a chat may go on to another matter.</summary>
    public double ContinuedShare { get; init; } = 0.3;

    /// <summary>The share of pairs about the tone of a courtesy; the others set a right answer against a wrong one and keep the skills in place.</summary>
    public double CourtesyPairShare { get; init; } = 0.7;

    /// <summary>Items of every kind, in percent, that no training file holds in any wording.</summary>
    public int HeldOutPercent { get; init; } = 12;

    /// <summary>Largest operand of a sum or difference.</summary>
    public int LargestOperand { get; init; } = 9;
    /// <summary>Largest number to sort. Tokenizers split digits, so one digit is far easier than two.</summary>
    public int LargestSorted { get; init; } = 9;
    /// <summary>Largest number to compare.</summary>
    public int LargestCompared { get; init; } = 15;
    /// <summary>Items in a list: from and to, both included.</summary>
    public int ShortestList { get; init; } = 2;
    public int LongestList { get; init; } = 3;
    /// <summary>Words that lists are made of, of the 24 there are. Fewer are learned faster.</summary>
    public int ListWords { get; init; } = 16;
}
