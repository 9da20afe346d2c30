using System.IO.Hashing;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.Workers;

/// <summary>A fast hash of a reduced gradient, by which replicas prove to each other that they agree.</summary>
internal static class GradientHash
{
    public static string Of(nint gradient, long length)
    {
        var hash = new XxHash128();
        FlatMemory.ForEachPiece(gradient, length * sizeof(float), hash.Append);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
