using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Data.Python;

namespace Tulu2.Evaluation.Benchmarks.AlpacaEval;

/// <summary>The order in which a pair is shown: a pure function of instruction and seed, the same as in alpaca_eval 0.3.1.</summary>
internal static class AnswerOrder
{
    /// <summary>
    /// Whether the two are switched, so that the model's answer is the first. The original draws from [False, True] by Python's <c>random.Random</c> of the text
    /// <c>is_switched_outputs</c>, the instruction and the seed, joined.
    /// </summary>
    public static bool IsSwitched(string instruction, int seed) => Of($"is_switched_outputs{instruction}{seed}").Random() * 2 >= 1;

    // Python seeds by a text with the number that its UTF-8 and the SHA-512 of it make.
    private static PythonRandom Of(string seed)
    {
        var bytes = Encoding.UTF8.GetBytes(seed);
        return new PythonRandom(new BigInteger([.. bytes, .. SHA512.HashData(bytes)], isUnsigned: true, isBigEndian: true));
    }
}
