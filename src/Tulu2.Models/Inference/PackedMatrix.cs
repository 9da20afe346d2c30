using System.Runtime.InteropServices;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.Inference;

/// <summary>How a matrix holds its weights.</summary>
internal enum WeightForm
{
    Single,
    Brain,
    Half,
    Nf4,
}

/// <summary>A matrix [outputs, inputs] as panels of <see cref="Panel.Width"/> outputs, one behind the other; outputs that fill the last one are 0.</summary>
internal sealed unsafe class PackedMatrix : IDisposable
{
    private readonly NativeBuffer _weights;
    private readonly NativeBuffer? _scales;
    private readonly long _panelBytes;
    private readonly long _panelScales;

    public PackedMatrix(WeightForm form, long outputs, long inputs)
    {
        if (form == WeightForm.Nf4 && inputs % Nf4.Block != 0) throw new ArgumentException($"{inputs} inputs are not whole blocks", nameof(inputs));
        (Form, Outputs, Inputs) = (form, (int)outputs, (int)inputs);
        Panels = (int)((outputs + Panel.Width - 1) / Panel.Width);
        var even = EvenInputs;
        _panelBytes = form switch
        {
            WeightForm.Single => SinglePanel.Bytes(even),
            WeightForm.Brain => BrainPanel.Bytes(even),
            WeightForm.Half => HalfPanel.Bytes(even),
            _ => Nf4Panel.Bytes(even),
        };
        _panelScales = inputs / Nf4.Block * Panel.Width;
        _weights = new NativeBuffer(_panelBytes * Panels);
        if (form == WeightForm.Nf4) _scales = new NativeBuffer(_panelScales * Panels * sizeof(float));
    }

    public WeightForm Form { get; }

    public int Outputs { get; }

    public int Inputs { get; }

    /// <summary>With a zero behind an odd number.</summary>
    public int EvenInputs => (Inputs + 1) / 2 * 2;

    public int Panels { get; }

    /// <summary>Outputs with those that fill the last panel.</summary>
    public int Width => Panels * Panel.Width;

    public long Bytes => _weights.Bytes + (_scales?.Bytes ?? 0);

    public Panel this[int panel] => new(_weights.Address + panel * _panelBytes, _scales is null ? null : _scales.Singles + panel * _panelScales);

    public void Dispose()
    {
        _weights.Dispose();
        _scales?.Dispose();
    }

    /// <summary>Sets rows; bf16 and fp16 round to nearest even.</summary>
    /// <param name="values">[rows, inputs].</param>
    public void Set(long first, int rows, float* values)
    {
        for (var row = 0; row < rows; row++)
        {
            var (weights, lane) = Place(first + row);
            var source = values + (long)row * Inputs;
            switch (Form)
            {
                case WeightForm.Single:
                    var singles = (float*)weights + lane;
                    for (var input = 0; input < Inputs; input++) singles[input * Panel.Width] = source[input];
                    break;
                case WeightForm.Brain:
                    for (var input = 0; input < Inputs; input++) Word(weights, lane, input) = Round(source[input]);
                    break;
                case WeightForm.Half:
                    for (var input = 0; input < Inputs; input++) Word(weights, lane, input) = BitConverter.HalfToUInt16Bits((Half)source[input]);
                    break;
                default:
                    throw new InvalidOperationException("weights in 4 bits are taken as they are");
            }
        }
    }

    /// <summary>Sets rows to some of those of a matrix in 4 bits.</summary>
    public void Set(long first, Nf4Tensor values, long begin, long rows)
    {
        if (Form != WeightForm.Nf4 || !values.RowsHaveOwnBlocks || values.IsPart) throw new ArgumentException("not such a matrix", nameof(values));
        var codes = values.Codes;
        var blocks = Inputs / Nf4.Block;
        for (var row = begin; row < begin + rows; row++)
        {
            var own = first + row - begin;
            var (weights, lane) = Place(own);
            var lanes = (uint*)weights + lane;
            var source = codes.Slice(checked((int)(row * values.CodesOfRow / 2)), Inputs / 2);
            for (var input = 0; input < Inputs; input += Nf4Panel.Codes)
            {
                var word = 0u;
                for (var pair = 0; pair < Nf4Panel.Codes / 2; pair++)
                {
                    // Of two codes in a byte the first is in the high half.
                    uint both = source[input / 2 + pair];
                    word |= ((both >> 4) | ((both & 15) << 4)) << (8 * pair);
                }
                lanes[input / Nf4Panel.Codes * Panel.Width] = word;
            }
            var scales = this[(int)(own / Panel.Width)].Scales + lane;
            for (var block = 0; block < blocks; block++) scales[block * Panel.Width] = values.Scales.At(row * blocks + block, row * blocks + block);
        }
    }

    /// <summary>Reads a row as fp32.</summary>
    /// <param name="target">[inputs].</param>
    public void Read(long row, float* target)
    {
        var (weights, lane) = Place(row);
        switch (Form)
        {
            case WeightForm.Single:
                var singles = (float*)weights + lane;
                for (var input = 0; input < Inputs; input++) target[input] = singles[input * Panel.Width];
                break;
            case WeightForm.Brain:
                for (var input = 0; input < Inputs; input++) target[input] = BitConverter.UInt32BitsToSingle((uint)Word(weights, lane, input) << 16);
                break;
            case WeightForm.Half:
                for (var input = 0; input < Inputs; input++) target[input] = (float)BitConverter.UInt16BitsToHalf(Word(weights, lane, input));
                break;
            default:
                throw new InvalidOperationException("weights in 4 bits are not read by rows");
        }
    }

    private (nint Weights, int Lane) Place(long row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Outputs);
        return ((nint)(_weights.Address + row / Panel.Width * _panelBytes), (int)(row % Panel.Width));
    }

    private static ref ushort Word(nint weights, int lane, int input) => ref ((ushort*)weights)[(input / 2 * Panel.Width + lane) * 2 + input % 2];

    private static ushort Round(float value)
    {
        ushort result = 0;
        Checkpoints.Safetensors.SafetensorsTypes.FromSingle("BF16", new ReadOnlySpan<float>(in value), MemoryMarshal.AsBytes(new Span<ushort>(ref result)));
        return result;
    }
}
