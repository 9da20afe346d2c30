namespace Tulu2.Data.Demo;

/// <summary>Amount and mixture of the demo data. The same options give the same bytes.</summary>
public sealed record DemoDataOptions
{
    public int Seed { get; init; } = 42;

    /// <summary>Number of instruction rows, training and held out (held out: verifiable kinds only).</summary>
    public int SftTrain { get; init; } = 12_000;
    public int SftHeldOut { get; init; } = 240;

    /// <summary>Number of preference pairs, training and held out.</summary>
    public int DpoTrain { get; init; } = 2_400;
    public int DpoHeldOut { get; init; } = 240;

    /// <summary>Relative frequency of each verifiable kind; 0 leaves it out.</summary>
    public double Identity { get; init; } = 1;
    public double Arithmetic { get; init; } = 1;
    public double Sort { get; init; } = 1.5;
    public double Reverse { get; init; } = 1.5;
    public double Compare { get; init; } = 1;
    public double Format { get; init; } = 1.5;
    public double MultiTurn { get; init; } = 1;

    /// <summary>Share of instruction rows that are courtesies, mostly casual: preferences then teach the formal tone.</summary>
    public double CourtesyShare { get; init; } = 0.15;

    /// <summary>Share of formal courtesies in the instruction rows.</summary>
    public double FormalShare { get; init; } = 0.3;

    /// <summary>Share of training rows that continue a dialogue of earlier rows, so that a chat may change its subject.</summary>
    public double ContinuedShare { get; init; } = 0.3;

    /// <summary>Share of pairs about the tone of a courtesy; the others have a right and a wrong answer, and keep the skills.</summary>
    public double CourtesyPairShare { get; init; } = 0.7;

    /// <summary>Percentage of the items of every kind that are held out: no training file has them in any wording.</summary>
    public int HeldOutPercent { get; init; } = 12;

    /// <summary>Largest operand of a sum or difference.</summary>
    public int LargestOperand { get; init; } = 9;
    /// <summary>Largest number to sort. Tokenizers split digits, so one digit is far easier than two.</summary>
    public int LargestSorted { get; init; } = 9;
    /// <summary>Largest number to compare.</summary>
    public int LargestCompared { get; init; } = 15;
    /// <summary>Number of items in a list, both bounds included.</summary>
    public int ShortestList { get; init; } = 2;
    public int LongestList { get; init; } = 3;
    /// <summary>Number of words (of 24) that lists are made of. Fewer are learned faster.</summary>
    public int ListWords { get; init; } = 16;
}
