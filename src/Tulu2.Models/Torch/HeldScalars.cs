using TorchSharp;
using static TorchSharp.torch;

namespace Tulu2.Models.Torch;

/// <summary>
/// Scalar arguments of operations. TorchSharp frees a scalar when its managed object is collected, and a call holds only the native handle: one that was made by an
/// implicit conversion, or by TorchSharp itself for an argument that was left out (the alpha of a sum), can be freed during the call, which then reads other
/// memory. A constant is therefore kept here for good, sums name their alpha, and any other scalar is declared with <c>using</c> in the method that calls.
/// </summary>
public static class HeldScalars
{
    public static readonly Scalar Zero = 0.ToScalar();
    public static readonly Scalar One = 1.ToScalar();
    public static readonly Scalar Two = 2.ToScalar();
    public static readonly Scalar NegativeInfinity = float.NegativeInfinity.ToScalar();

    /// <summary>The sum of two tensors.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);

    /// <summary>A tensor and a number that the caller holds.</summary>
    public static Tensor Plus(this Tensor left, Scalar right) => left.add(right, One);
}
