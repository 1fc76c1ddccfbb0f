package io.github.dl4jstepsize.examples;

import me.tongfei.progressbar.ProgressBar;
import org.datavec.api.io.labels.ParentPathLabelGenerator;
import org.datavec.api.records.reader.RecordReader;
import org.datavec.api.split.CollectionInputSplit;
import org.datavec.image.loader.NativeImageLoader;
import org.datavec.image.recordreader.ImageRecordReader;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.datavec.image.transform.ColorConversionTransform;
import org.datavec.image.transform.FlipImageTransform;
import org.datavec.image.transform.ImageTransform;
import org.datavec.image.transform.PipelineImageTransform;
import org.deeplearning4j.datasets.datavec.RecordReaderDataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.common.primitives.Pair;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Images in one folder per class, read with DataVec, scaled to one size; four fifths for training. */
final class ImageFolder {

    private static final double TRAINING_SHARE = 0.8;
    private static final int LABEL_COLUMN = 1;
    /** OpenCV's code for a flip around the vertical axis. */
    private static final int LEFT_TO_RIGHT = 1;
    private static final double MIRRORED = 0.5;
    private static final int COLOURS = 3;

    final List<String> classes;
    final List<URI> train = new ArrayList<>();
    final List<URI> test = new ArrayList<>();

    private final int channels;
    private final int side;
    private final Pixels pixels;
    private final boolean mirror;

    /**
     * Looks at every image: a broken one is better found now than in the middle of a training.
     *
     * @param mirror whether training images are mirrored at random
     * @throws InputException if there are fewer than two classes, an empty class, or a file that is no image
     */
    ImageFolder(Path folder, int channels, int side, Pixels pixels, boolean mirror, long seed) {
        this.channels = channels;
        this.side = side;
        this.pixels = pixels;
        this.mirror = mirror;
        List<Path> classFolders = content(folder).stream().filter(Files::isDirectory).collect(Collectors.toList());
        if (classFolders.size() < 2) {
            throw new InputException(folder + " has to have a folder for each of at least two classes, but has "
                    + classFolders.size());
        }
        classes = classFolders.stream().map(path -> path.getFileName().toString()).collect(Collectors.toList());
        Random random = new Random(seed);
        for (Path classFolder : classFolders) {
            List<Path> images = content(classFolder).stream().filter(ImageFolder::isImage).collect(Collectors.toList());
            if (images.size() < 2) {
                throw new InputException(classFolder + " has " + images.size() + " images (files ending in "
                        + String.join(", ", NativeImageLoader.ALLOWED_FORMATS)
                        + "); a class needs at least two, one for training and one for the test");
            }
            Collections.shuffle(images, random);
            int training = Math.max(1, Math.min(images.size() - 1, (int) Math.round(TRAINING_SHARE * images.size())));
            images.subList(0, training).forEach(image -> train.add(image.toUri()));
            images.subList(training, images.size()).forEach(image -> test.add(image.toUri()));
        }
        check();
    }

    private static List<Path> content(Path folder) {
        try (Stream<Path> content = Files.list(folder)) {
            return content.sorted().collect(Collectors.toList());
        } catch (IOException e) {
            throw new InputException(folder + " cannot be read as a folder", e);
        }
    }

    private static boolean isImage(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return Files.isRegularFile(file)
                && Stream.of(NativeImageLoader.ALLOWED_FORMATS).anyMatch(format -> name.endsWith("." + format));
    }

    private void check() {
        NativeImageLoader loader = new NativeImageLoader(side, side, channels);
        try (ProgressBar bar = Progress.bar("checking", train.size() + test.size(), " images")) {
            for (List<URI> part : List.of(train, test)) {
                for (URI image : part) {
                    try {
                        loader.asMatrix(Path.of(image).toFile());
                    } catch (IOException | RuntimeException e) {
                        throw new InputException(Path.of(image) + " is no image that can be read", e);
                    }
                    bar.step();
                }
            }
        }
    }

    /** The training images in the order of an epoch. */
    DataSetIterator training(int batchSize, long seed, int epoch) {
        List<URI> order = new ArrayList<>(train);
        Random random = Batches.random(seed, epoch);
        Collections.shuffle(order, random);
        return iterator(order, batchSize, mirror ? MIRRORED : 0, random.nextLong());
    }

    DataSetIterator testing(int batchSize) {
        return iterator(test, batchSize, 0, 0);
    }

    private DataSetIterator iterator(List<URI> images, int batchSize, double mirrored, long seed) {
        List<Pair<ImageTransform, Double>> transforms = new ArrayList<>();
        if (mirrored > 0) {
            // A FlipImageTransform of its own accord would turn images upside down, too.
            transforms.add(Pair.create(new FlipImageTransform(LEFT_TO_RIGHT), mirrored));
        }
        if (pixels.redFirst && channels == COLOURS) {
            // DataVec reads blue first.
            transforms.add(Pair.create(new ColorConversionTransform(opencv_imgproc.COLOR_BGR2RGB), 1.0));
        }
        ImageTransform transform = transforms.isEmpty() ? null : new PipelineImageTransform(seed, transforms, false);
        try {
            RecordReader reader = new ImageRecordReader(side, side, channels, new ParentPathLabelGenerator(), transform);
            reader.initialize(new CollectionInputSplit(images));
            DataSetIterator iterator = new RecordReaderDataSetIterator(reader, batchSize, LABEL_COLUMN, classes.size());
            iterator.setPreProcessor(pixels.scaling);
            return iterator;
        } catch (IOException e) {
            throw new InputException("images cannot be read", e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
