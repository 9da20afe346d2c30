using Tulu2.Checkpoints.Safetensors;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.Inference;

/// <summary>The weights of a Hugging Face directory.</summary>
internal sealed unsafe class DirectorySource : IWeightSource
{
    private readonly string _directory;
    private readonly HuggingFaceFiles _files;
    private readonly HashSet<string> _fourBit;
    private readonly InferencePrecision _precision;
    private (string Name, Nf4Tensor Tensor)? _last;

    /// <exception cref="Files.BadInputException">The files are not the configuration's.</exception>
    public DirectorySource(string directory, ModelConfig config, InferencePrecision precision)
    {
        (_directory, Config, _precision) = (directory, config, precision);
        _files = new HuggingFaceFiles(directory);
        try
        {
            HuggingFaceModel.Check(directory, _files, config);
            _fourBit = FourBitTensors.Of(_files, config);
        }
        catch
        {
            _files.Dispose();
            throw;
        }
    }

    public ModelConfig Config { get; }

    public WeightForm FormOf(ModelTensor tensor) => _precision switch
    {
        InferencePrecision.Single => WeightForm.Single,
        InferencePrecision.Brain => WeightForm.Brain,
        _ when _fourBit.Contains(tensor.Name) => tensor.Shape[1] % Nf4.Block == 0 ? WeightForm.Nf4 : WeightForm.Single,
        _ => TypeOf(tensor) switch { "BF16" => WeightForm.Brain, "F16" => WeightForm.Half, _ => WeightForm.Single },
    };

    public void Read(ModelTensor tensor, long first, int rows, float* target)
    {
        var width = tensor.Shape.Length == 1 ? 1 : tensor.Shape[1];
        if (_fourBit.Contains(tensor.Name))
        {
            if (_last?.Name != tensor.Name) _last = (tensor.Name, ReadQuantized(tensor));
            _last.Value.Tensor.Restore(first, rows, 0, width, target, width);
            return;
        }
        var (file, entry) = HuggingFaceModel.Find(_files, tensor.Name, tensor.Alias)!.Value;
        HuggingFaceModel.ReadRun(entry.DataType, file.Address(entry) + first * width * SafetensorsTypes.Size(entry.DataType)!.Value, target, rows * width);
    }

    public Nf4Tensor ReadQuantized(ModelTensor tensor) => FourBitTensors.Read(_directory, _files, tensor.Name, tensor.Shape);

    public void Dispose() => _files.Dispose();

    private string TypeOf(ModelTensor tensor) => HuggingFaceModel.Find(_files, tensor.Name, tensor.Alias)!.Value.Entry.DataType;
}
