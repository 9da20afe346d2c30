using Tulu2.Data.Tokenizers;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>The model that a recipe starts from.</summary>
/// <param name="config">Shape of the model, with the recipe's overrides.</param>
/// <param name="tokenizer">May have fewer or more ids than the model's vocabulary.</param>
internal sealed class ModelSource(ModelConfig config, SentencePieceBpeTokenizer tokenizer, ModelRecipe recipe, int seed)
{
    // Our own presets have no vocabulary: they take that of their tokenizer, padded.
    private static readonly string[] SmallPresets = ["demo", "tiny"];

    private const int VocabularyMultiple = 64;

    private readonly Lazy<string> _weightsKey = new(() => WeightsKeyOf(recipe, seed));

    public ModelConfig Config => config;

    public SentencePieceBpeTokenizer Tokenizer => tokenizer;

    /// <summary>Remarks for the user: a vocabulary that differs from the tokenizer's. Our small presets are padded on purpose.</summary>
    public IEnumerable<string> Remarks => recipe.Preset is { } preset && SmallPresets.Contains(preset) ? [] : VocabularyRemark.Of(config.VocabularySize, tokenizer.VocabularySize);

    /// <summary>Content hash of the initial weights; the first call reads all of them.</summary>
    public string WeightsKey => _weightsKey.Value;

    /// <summary>Everything besides the weights that decides what the model computes.</summary>
    public string ShapeKey => config.ToString();

    /// <exception cref="BadInputException">No such model or tokenizer, or they do not belong together.</exception>
    public static ModelSource Open(LoadedRecipe loaded)
    {
        var model = loaded.Recipe.Model;
        if (model.Path is { } path && ForeignPath.AsModel(path) is var (wrong, instead)) throw loaded.Fault("model.path", $"{path}: {wrong}", instead);
        if (model.Tokenizer is { } given && !Directory.Exists(given) && !File.Exists(given))
            throw loaded.Fault("model.tokenizer", $"there is no {given}", "name a directory with tokenizer.model or tokenizer.json");
        var tokenizer = SentencePieceBpeTokenizer.Load(model.Tokenizer ?? model.Path!);
        var config = model.Path is null ? Preset(loaded, tokenizer) : HuggingFaceModel.ReadConfig(model.Path);
        // Random weights have no reason for rows without a token.
        if (model.Path is null && config.VocabularySize > Padded(tokenizer.VocabularySize))
            throw loaded.Fault("model.tokenizer", $"the tokenizer has {tokenizer.VocabularySize} tokens but the model has {config.VocabularySize}",
                "use a tokenizer of that size");
        if (tokenizer.BeginningId != config.BeginningId || tokenizer.EndId != config.EndId)
            throw loaded.Fault(model.Tokenizer is null ? "model.path" : "model.tokenizer",
                $"the tokenizer begins and ends with ids {tokenizer.BeginningId} and {tokenizer.EndId}, the model with {config.BeginningId} and {config.EndId}",
                "use the tokenizer that the model was trained with, or correct its config.json");
        config = config with
        {
            RmsNormEpsilon = RecipeProfiles.RmsNormEpsilon(loaded.Recipe, config.HiddenSize, config.Layers) ?? config.RmsNormEpsilon,
            RopeTheta = model.RopeTheta ?? config.RopeTheta,
            UsedVocabulary = tokenizer.VocabularySize,
        };
        return new ModelSource(config, tokenizer, model, loaded.Recipe.Seed);
    }

    private static ModelConfig Preset(LoadedRecipe loaded, SentencePieceBpeTokenizer tokenizer)
    {
        var name = loaded.Recipe.Model.Preset!;
        if (!ModelPresets.Names.Contains(name))
            throw loaded.Fault("model.preset", $"there is no preset '{name}'", $"use one of {string.Join(", ", ModelPresets.Names)}");
        var config = ModelPresets.Get(name);
        return SmallPresets.Contains(name) ? config with { VocabularySize = Padded(tokenizer.VocabularySize) } : config;
    }

    /// <summary>The next multiple of 64: rows that no token uses let a small vocabulary be cut into four virtual shards.</summary>
    private static int Padded(int vocabulary) => (vocabulary + VocabularyMultiple - 1) / VocabularyMultiple * VocabularyMultiple;

    private static string WeightsKeyOf(ModelRecipe model, int seed) => model.Path is null
        ? $"random {model.Preset} {seed}"
        : ContentHash.OfParts(HuggingFaceModel.WeightFiles(model.Path).SelectMany(file => new[] { Path.GetFileName(file), ContentHash.OfFile(file) }));
}
