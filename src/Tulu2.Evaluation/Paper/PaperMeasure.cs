using Tulu2.Evaluation.Benchmarks;

namespace Tulu2.Evaluation.Paper;

/// <summary>What a column of the paper's tables holds.</summary>
/// <param name="Name">Heading, with the paper's setting.</param>
/// <param name="Digits">Decimal places that the paper prints.</param>
public abstract record PaperMeasure(string Name, int Digits)
{
    /// <summary>The score of a benchmark, in the unit in which the paper prints it: per cent, or of 10.</summary>
    public sealed record Score(PaperColumn Column, string Name, int Digits = 1) : PaperMeasure(Name, Digits);

    /// <summary>Mean length of the answers to AlpacaEval, in characters.</summary>
    public sealed record Length() : PaperMeasure("Output length", 0);

    /// <summary>MT-Bench's score in one category, of 10.</summary>
    public sealed record Category(string Of) : PaperMeasure(Heading(Of), 2)
    {
        private static string Heading(string of) => of == "stem" ? "STEM" : char.ToUpperInvariant(of[0]) + of[1..];
    }

    /// <summary>Average of a model with adapters beside four bits, less that of full fine-tuning.</summary>
    public sealed record Gap() : PaperMeasure("Average against full", 1);
}
