package reference;

import com.amazon.randomcutforest.RandomCutForest;

/** AWS's forest as a command line describes it. */
final class ForestBuilder {
    private ForestBuilder() {
    }

    /**
     * A new forest that shingles by itself.
     *
     * @param arguments dimensions (of one record), shingle_size, trees, sample_size, time_decay (per record),
     *                  output_after (records before the first score), bounding_boxes (share of them kept, 0 to 1)
     * @param seed      of all its random numbers
     */
    static RandomCutForest build(Arguments arguments, long seed) {
        int shingleSize = arguments.integer("shingle_size");
        return RandomCutForest.builder()
                .dimensions(arguments.integer("dimensions") * shingleSize)
                .shingleSize(shingleSize)
                .internalShinglingEnabled(true)
                .numberOfTrees(arguments.integer("trees"))
                .sampleSize(arguments.integer("sample_size"))
                .timeDecay(arguments.real("time_decay"))
                .outputAfter(arguments.integer("output_after"))
                .boundingBoxCacheFraction(arguments.real("bounding_boxes"))
                .storeSequenceIndexesEnabled(true)
                .randomSeed(seed)
                .build();
    }
}
