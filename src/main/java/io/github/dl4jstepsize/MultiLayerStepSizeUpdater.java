package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/** DL4J's updater of a MultiLayerNetwork, followed by the search for the step size. */
final class MultiLayerStepSizeUpdater extends MultiLayerUpdater implements StepSizeNetworkUpdater {

    private final StepSizeSearch search;

    /** @param state used as it is; null for a new one */
    MultiLayerStepSizeUpdater(MultiLayerNetwork network, INDArray state) {
        super(network, state);
        search = new StepSizeSearch(objective -> new MultiLayerPass(network, objective), network.params(), updaterBlocks);
    }

    @Override
    public StepSizeSearch search() {
        return search;
    }

    @Override
    public synchronized void update(Gradient gradient, int iteration, int epoch, int batchSize,
                                    LayerWorkspaceMgr workspaceMgr) {
        if (search.admits(iteration, epoch, batchSize)) {
            super.update(gradient, iteration, epoch, batchSize, workspaceMgr);
            search.step(iteration, epoch, batchSize);
        }
    }

    @Override
    public synchronized INDArray getStateViewArray() {
        search.store();
        return super.getStateViewArray();
    }

    @Override
    public INDArray getUpdaterStateViewArray() {
        return getStateViewArray();
    }

    @Override
    public synchronized INDArray getStateViewArrayCopy() {
        search.store();
        return super.getStateViewArrayCopy();
    }

    @Override
    public synchronized void setStateViewArray(INDArray viewArray) {
        search.store();
        super.setStateViewArray(viewArray);
    }

    @Override
    public Updater clone() {
        return new MultiLayerStepSizeUpdater(network, null);
    }
}
